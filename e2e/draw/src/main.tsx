// Draws one of Hooked's dashboards, once. Whoever takes the picture reads the console for what went wrong.
import { ThemeContext, createTheme, type DataFrame } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { GlobalStyles } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import 'uplot/dist/uPlot.min.css';
import boards from './boards.json';
import { configured, transformed } from './fields';
import { type Board, type Panel, page } from './page';
import { PanelView } from './panel';
import { frames, variables } from './query';

const COLUMN = 24;
const ROW = 30;
const GAP = 8;

const board = (boards as unknown as Record<string, Board>)[page.board];
const theme = createTheme({ colors: { mode: page.dark ? 'dark' : 'light' } });

function place({ gridPos }: Panel) {
  const cell = (innerWidth - GAP) / COLUMN;
  return {
    left: GAP + gridPos.x * cell,
    top: 44 + gridPos.y * (ROW + GAP),
    width: gridPos.w * cell - GAP,
    height: gridPos.h * (ROW + GAP) - GAP,
  };
}

function Bar({ values }: { values: Record<string, string> }) {
  const shown = board.templating.list.filter((variable) => variable.type === 'query' && variable.hide !== 2);
  return (
    <div className="bar" style={{ color: theme.colors.text.primary }}>
      <b>{board.title}</b>
      {shown.map(({ name, label, allValue }) => (
        <span key={name} style={{ borderColor: theme.colors.border.medium, background: theme.components.input.background }}>
          <i style={{ color: theme.colors.text.secondary }}>{label}</i> {values[name] === allValue ? 'All' : values[name]}
        </span>
      ))}
    </div>
  );
}

async function load(panel: Panel, values: Record<string, string>): Promise<DataFrame[]> {
  const found = await frames(panel, values, place(panel).width);
  return configured(panel, await transformed(panel, found), theme);
}

async function main() {
  await initPluginTranslations('hooked', []);
  const values = await variables(board);
  const loaded = await Promise.all(board.panels.map((panel) => load(panel, values)));
  document.body.style.background = theme.colors.background.canvas;
  createRoot(document.getElementById('board')!, { onUncaughtError: fail }).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <Bar values={values} />
      {board.panels.map((panel, index) => {
        const { width, height, ...at } = place(panel);
        return (
          <div key={panel.id} style={{ position: 'absolute', width, height, ...at }}>
            <PanelView panel={panel} frames={loaded[index]} theme={theme} width={width} height={height} />
          </div>
        );
      })}
    </ThemeContext.Provider>
  );
}

function fail(error: any) {
  console.error('cannot draw:', error.stack ?? error);
}

main().catch(fail);
