// A panel by its type, as Grafana's own panels use these components.
import { type DataFrame, type GrafanaTheme2, dateTime, getDisplayValueAlignmentFactors, getFieldDisplayValues } from '@grafana/data';
import { BarGauge, BigValue, PanelChrome, Table, TimeSeries, VizRepeater } from '@grafana/ui';
import { VizOrientation } from '@grafana/data';
import { Heatmap } from './heatmap';
import { type Panel, page } from './page';

interface Props {
  panel: Panel;
  frames: DataFrame[];
  theme: GrafanaTheme2;
  width: number;
  height: number;
}

const range = { from: dateTime((page.end - page.range) * 1000), to: dateTime(page.end * 1000) };
const timeRange = { ...range, raw: range };

export function PanelView(props: Props) {
  const { panel, width, height } = props;
  return (
    <PanelChrome title={panel.title} description={panel.description} width={width} height={height}>
      {(width, height) => <Content {...props} width={width} height={height} />}
    </PanelChrome>
  );
}

function Content(props: Props) {
  const { panel, frames, theme, width, height } = props;
  const { options, type } = panel;
  if (type === 'stat' || type === 'bargauge') {
    return <Values {...props} />;
  }
  if (frames.every((frame) => frame.length === 0)) {
    return <div className="nothing">{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>;
  }
  if (type === 'heatmap') {
    return <Heatmap panel={panel} frames={frames} width={width} height={height} theme={theme} />;
  }
  if (type === 'table') {
    const sortBy = options.sortBy?.map((sort: any) => ({ ...sort }));
    return <Table data={frames[0]} width={width} height={height} initialSortBy={sortBy} cellHeight={options.cellHeight} />;
  }
  return <TimeSeries frames={frames} width={width} height={height} timeRange={timeRange} timeZone="utc" legend={options.legend} options={options} />;
}

function Values({ panel, frames, theme, width, height }: Props) {
  const { options, fieldConfig, type } = panel;
  const values = getFieldDisplayValues({
    fieldConfig,
    reduceOptions: options.reduceOptions,
    replaceVariables: (text) => text,
    theme,
    data: frames,
    timeZone: 'utc',
  });
  if (type === 'stat') {
    const { display } = values[0];
    return <BigValue value={display} width={width} height={height} theme={theme} colorMode={options.colorMode} graphMode={options.graphMode} justifyMode={options.justifyMode} textMode={options.textMode} />;
  }
  if (frames.length === 0) {
    return <div className="nothing">{fieldConfig.defaults.noValue ?? 'No data'}</div>;
  }
  const factor = getDisplayValueAlignmentFactors(values);
  return (
    <VizRepeater
      source={values}
      getValues={() => values}
      width={width}
      height={height}
      orientation={VizOrientation.Horizontal}
      minVizHeight={options.minVizHeight}
      maxVizHeight={options.maxVizHeight}
      itemSpacing={8}
      renderValue={({ value, width, height }) => (
        <BarGauge value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)} text={options.text} width={width} height={height} orientation={VizOrientation.Horizontal} theme={theme} itemSpacing={8} lcdCellWidth={12} displayMode={options.displayMode} showUnfilled={options.showUnfilled} valueDisplayMode={options.valueMode} namePlacement={options.namePlacement} alignmentFactors={factor} />
      )}
    />
  );
}
