// What the page is asked to draw, in its address: board, theme, the Prometheus, the end of the time shown, variables.
export interface Target {
  refId: string;
  expr: string;
  legendFormat?: string;
  format?: string;
  instant?: boolean;
}
export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Target[];
  fieldConfig: { defaults: any; overrides: any[] };
  options?: any;
  transformations?: any[];
}
export interface Board {
  title: string;
  panels: Panel[];
  templating: { list: any[] };
}

const asked = new URLSearchParams(location.search);
const ask = (name: string, otherwise: string) => asked.get(name) ?? otherwise;

export const page = {
  board: ask('board', 'overview.json'),
  dark: ask('theme', 'dark') === 'dark',
  prometheus: ask('prometheus', 'http://127.0.0.1:9090'),
  end: Number(ask('end', String(Date.now() / 1000))),
  range: Number(ask('range', '3600')),
  scrape: Number(ask('scrape', '30')),
  chosen: (name: string) => asked.getAll(`var-${name}`),
};
