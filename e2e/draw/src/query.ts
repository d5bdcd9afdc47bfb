// Prometheus' answers as the frames that Grafana's data source makes of them.
import { type DataFrame, FieldType, toDataFrame } from '@grafana/data';
import { type Board, type Panel, type Target, page } from './page';

type Labels = Record<string, string>;
type Variables = Record<string, string>;

async function api(path: string, asked: Record<string, string | number>): Promise<any> {
  const query = new URLSearchParams(Object.entries(asked).map(([key, value]) => [key, String(value)]));
  const answer = await (await fetch(`${page.prometheus}/api/v1/${path}?${query}`)).json();
  if (answer.status !== 'success') {
    throw new Error(`${answer.error}: ${JSON.stringify(asked)}`);
  }
  return answer.data;
}

const start = page.end - page.range;

/** Longer names first, since one may begin with another. */
export function fill(text: string, variables: Variables): string {
  const names = Object.keys(variables).sort((one, other) => other.length - one.length);
  return names.reduce((filled, name) => filled.replaceAll(`\${${name}}`, variables[name]).replaceAll(`$${name}`, variables[name]), text);
}

/** Gives every variable its value: what the address chooses, or else all, or else the first. */
export async function variables(board: Board): Promise<Variables> {
  const values: Variables = {};
  for (const variable of board.templating.list.filter((one) => one.type === 'query')) {
    const query = fill(variable.query.query, values);
    const result = /^query_result\((.+)\)$/s.exec(query);
    const labels = /^label_values\((.+), (\$?\w+)\)$/s.exec(query);
    let known: string[] = [];
    if (result) {
      known = (await api('query', { query: result[1], time: page.end })).result.map((one: any) => one.metric.label);
    } else if (labels) {
      known = await api(`label/${labels[2]}/values`, { 'match[]': labels[1], start, end: page.end });
    }
    const chosen = page.chosen(variable.name);
    values[variable.name] = chosen.length > 0 ? chosen.join('|') : (variable.allValue ?? known[0] ?? '');
  }
  return values;
}

/** The step of a panel so many pixels wide, and the two intervals that follow from it, as Grafana has them. */
function intervals(width: number): { step: number; own: Variables } {
  const step = [15, 30, 60, 120, 300, 600, 1800, 3600].find((nice) => nice >= Math.max(page.range / width, page.scrape)) ?? 3600;
  const rate = Math.max(step + page.scrape, 4 * page.scrape);
  return { step, own: { __range: `${page.range}s`, __rate_interval: `${rate}s`, __interval: `${step}s` } };
}

/** All frames of a panel. */
export async function frames(panel: Panel, values: Variables, width: number): Promise<DataFrame[]> {
  const { step, own } = intervals(width);
  const targets = panel.targets ?? [];
  const found = targets.map(async (target) => {
    const query = fill(target.expr, { ...values, ...own });
    if (target.format === 'table') {
      return [table(target, (await api('query', { query, time: page.end })).result, targets.length)];
    }
    const asked = target.instant ? { query, time: page.end } : { query, start: start - (start % step), end: page.end, step };
    const { result } = await api(target.instant ? 'query' : 'query_range', asked);
    const series = target.format === 'heatmap' ? buckets(result) : result;
    return series.map((one: any) => frame(target, one, fill(target.legendFormat ?? '__auto', values), step));
  });
  return (await Promise.all(found)).flat();
}

function frame(target: Target, { metric, value, values }: any, legend: string, step: number): DataFrame {
  const points: Array<[number, string]> = values ?? [value];
  const name = legend === '__auto' ? Object.values(metric).join(' ') : legend.replace(/{{\s*(\w+)\s*}}/g, (_, label) => metric[label] ?? '');
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, config: { interval: step * 1000 }, values: points.map(([time]) => time * 1000) },
      { name: 'Value', type: FieldType.number, labels: metric, config: { displayNameFromDS: name.trim() }, values: points.map(([, text]) => Number(text)) },
    ],
  });
}

/** One row for each series, one column for each label. */
function table(target: Target, result: any[], targets: number): DataFrame {
  const labels = [...new Set(result.flatMap((one) => Object.keys(one.metric)))].sort();
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: result.map((one) => one.value[0] * 1000) },
      ...labels.map((name) => ({ name, type: FieldType.string, values: result.map((one) => (one.metric as Labels)[name] ?? '') })),
      { name: targets > 1 ? `Value #${target.refId}` : 'Value', type: FieldType.number, values: result.map((one) => Number(one.value[1])) },
    ],
  });
}

/** What each bucket has alone, the lowest first: Prometheus' hold what is below, too. */
function buckets(result: any[]): any[] {
  const bound = (one: any) => Number(one.metric.le.replace('+Inf', 'Infinity'));
  const sorted = [...result].sort((one, other) => bound(one) - bound(other));
  return sorted.map((one, index) => {
    const below = new Map<number, string>(index > 0 ? sorted[index - 1].values : []);
    return { ...one, values: one.values.map(([time, text]: [number, string]) => [time, String(Math.max(0, Number(text) - Number(below.get(time) ?? 0)))]) };
  });
}
