// Buckets over time, by uPlot: @grafana/ui has no heatmap.
import { type DataFrame, type GrafanaTheme2, getValueFormat } from '@grafana/data';
import { interpolateSpectral } from 'd3-scale-chromatic';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { type Panel, page } from './page';

interface Props {
  panel: Panel;
  frames: DataFrame[];
  width: number;
  height: number;
  theme: GrafanaTheme2;
}

/** Without the empty rows above the highest and below the lowest that has anything. */
function rowsWithin(frames: DataFrame[]): DataFrame[] {
  const has = frames.map((frame) => frame.fields[1].values.some((value: number) => value > 0));
  const [first, last] = [has.indexOf(true), has.lastIndexOf(true)];
  return first < 0 ? [] : frames.slice(Math.max(0, first - 1), last + 2);
}

export function Heatmap({ panel, frames, width, height, theme }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const rows = rowsWithin(frames);
  useEffect(() => {
    if (!place.current || rows.length === 0) {
      return;
    }
    const unit = getValueFormat(panel.options.yAxis.unit);
    const label = (row: DataFrame) => {
      const le = row.fields[1].labels!.le;
      const { text, suffix } = unit(Number(le), panel.options.yAxis.decimals);
      return le === '+Inf' ? le : `${text}${suffix ?? ''}`;
    };
    const most = Math.max(...rows.flatMap((row) => row.fields[1].values));
    const axis = { stroke: theme.colors.text.primary, font: `12px ${theme.typography.fontFamily}`, grid: { show: false }, ticks: { show: false } };
    const draw = (plot: uPlot) => {
      const times: number[] = rows[0].fields[0].values.map((time: number) => time / 1000);
      const wide = plot.valToPos(times[1] ?? times[0] + 60, 'x', true) - plot.valToPos(times[0], 'x', true);
      plot.ctx.save();
      plot.ctx.beginPath();
      plot.ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
      plot.ctx.clip();
      rows.forEach((row, index) => {
        const [top, bottom] = [plot.valToPos(index + 1, 'y', true), plot.valToPos(index, 'y', true)];
        row.fields[0].values.forEach((time: number, at: number) => {
          const value = row.fields[1].values[at];
          if (value > 1e-9) {
            plot.ctx.fillStyle = interpolateSpectral(1 - (value / most) ** panel.options.color.exponent);
            plot.ctx.fillRect(plot.valToPos(time / 1000, 'x', true) - wide, top + 1, wide - 1, bottom - top - 1);
          }
        });
      });
      plot.ctx.restore();
    };
    const options: uPlot.Options = {
      width,
      height,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: true, range: [page.end - page.range, page.end] }, y: { range: [0, rows.length] } },
      axes: [axis, { ...axis, size: 60, splits: () => rows.map((_, index) => index + 1), values: () => rows.map(label) }],
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      tzDate: (time) => uPlot.tzDate(new Date(time * 1000), 'Etc/UTC'),
      fmtDate: (template) => uPlot.fmtDate(template.replace('{h}:{mm}{aa}', '{HH}:{mm}')),
      hooks: { draw: [draw] },
    };
    const times = rows[0].fields[0].values.map((time: number) => time / 1000);
    const plot = new uPlot(options, [times, times.map(() => 0)], place.current);
    return () => plot.destroy();
  });
  return rows.length === 0 ? <div className="nothing">No data</div> : <div ref={place} />;
}
