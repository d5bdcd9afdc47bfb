// What a panel says of its fields, done to them: defaults, overrides, and how values are shown.
import { type DataFrame, type Field, type GrafanaTheme2, getDisplayProcessor, getFieldDisplayName, standardTransformers, standardTransformersRegistry, transformDataFrame } from '@grafana/data';
import { cloneDeep, merge, set } from 'lodash';
import { firstValueFrom } from 'rxjs';
import type { Panel } from './page';

const { mergeTransformer, organizeFieldsTransformer } = standardTransformers;
standardTransformersRegistry.setInit(() =>
  [mergeTransformer, organizeFieldsTransformer].map((transformation: any) => ({
    id: transformation.id,
    name: transformation.name,
    transformation: async () => transformation,
    editor: () => null,
    imageDark: '',
    imageLight: '',
  }))
);

export async function transformed(panel: Panel, frames: DataFrame[]): Promise<DataFrame[]> {
  const steps = panel.transformations ?? [];
  return steps.length > 0 ? firstValueFrom(transformDataFrame(steps, frames)) : frames;
}

export function configured(panel: Panel, frames: DataFrame[], theme: GrafanaTheme2): DataFrame[] {
  let series = 0;
  const applied = frames.map((frame) => ({ ...frame, fields: frame.fields.map((field) => ({ ...field, config: cloneDeep(field.config) })) }));
  for (const frame of applied) {
    for (const field of frame.fields) {
      merge(field.config, withoutTime(panel, field));
      // What panels do of which the JSON says nothing.
      field.config.color ??= { mode: panel.type === 'timeseries' ? 'palette-classic' : 'thresholds' } as any;
      const name = getFieldDisplayName(field, frame, applied);
      for (const { matcher, properties } of panel.fieldConfig.overrides) {
        const pattern = /^\/(.*)\/$/.exec(matcher.options)?.[1];
        if (pattern ? new RegExp(pattern).test(name) : matcher.options === name) {
          properties.forEach(({ id, value }: any) => set(field.config, id, value));
        }
      }
      const index = field.type === 'number' ? series++ : 0;
      field.state = { ...field.state, displayName: null, seriesIndex: index };
    }
  }
  for (const field of applied.flatMap((frame) => frame.fields)) {
    field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
    field.getLinks = () => [];
  }
  return applied;
}

/** A time has no unit of ours. */
function withoutTime(panel: Panel, field: Field): any {
  const defaults = cloneDeep(panel.fieldConfig.defaults);
  if (field.type === 'time') {
    delete defaults.unit;
    delete defaults.decimals;
    delete defaults.min;
    delete defaults.max;
  }
  return defaults;
}
