// Bundles the page into the directory it is run in.
import { build } from 'esbuild';

// The editor of queries: a third of all, and no panel has one.
const withoutEditor = {
  name: 'without-editor',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(react-)?monaco-editor|^@monaco-editor/ }, ({ path }) => ({ path, namespace: 'nothing' }));
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {}' }));
  },
};

await build({
  entryPoints: ['src/main.tsx'],
  outfile: 'main.js',
  bundle: true,
  minify: true,
  platform: 'browser',
  target: 'chrome120',
  jsx: 'automatic',
  // Pictures and fonts that the components would fetch from a Grafana.
  loader: { '.svg': 'dataurl', '.png': 'dataurl', '.woff2': 'dataurl', '.woff': 'dataurl' },
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  plugins: [withoutEditor],
  logLevel: 'warning',
});
