// Bundles the page into the directory it is run in.
import { cpSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';

// The editor of queries: a third of all, and no panel has one.
const withoutEditor = {
  name: 'without-editor',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(react-)?monaco-editor|^@monaco-editor/ }, ({ path }) => ({ path, namespace: 'nothing' }));
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {}' }));
  },
};

const withScrollbars = {
  name: 'with-scrollbars',
  setup({ onResolve }) {
    onResolve({ filter: /^react-custom-scrollbars-2$/ }, () => ({ path: resolve('src/scrollbars.ts') }));
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
  plugins: [withoutEditor, withScrollbars],
  logLevel: 'warning',
});

// The components fetch their icons from where a Grafana has them.
cpSync('node_modules/@grafana/ui/dist/public/img', 'public/build/img', { recursive: true });
