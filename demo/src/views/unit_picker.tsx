/** What is raised: a layer picked on a map of the network, a channel of it, the whole of it, or a class; or a sum of such. */
import { Button, Field, Select } from '../ui/parts.tsx';
import { shapeInWords, Slab, usePickedInView } from '../ui/slab.tsx';
import type { Unit } from '../worker/dreaming.ts';
import type { ModelInfo } from '../worker/session.ts';

interface UnitSumProps {
  model: ModelInfo;
  units: readonly Unit[];
  /** The one that the map is for. */
  at: number;
  onAt: (at: number) => void;
  onChange: (units: Unit[]) => void;
}

/** Where the classes are on the map. */
const CLASSES = 'classes';

export const layerOf = (unit: Unit): string => (unit.kind === 'class' ? CLASSES : unit.layer);

export function nameOf(unit: Unit, { labels }: ModelInfo): string {
  if (unit.kind === 'class') return labels[unit.index] ?? `class ${unit.index}`;
  return unit.kind === 'layer' ? `all of ${unit.layer}` : `${unit.layer}, channel ${unit.index}`;
}

interface LayerMapProps {
  model: ModelInfo;
  unit: Unit;
  onChange: (unit: Unit) => void;
}

/** The network from picture to classes: what is picked there is what the unit is of. */
export function LayerMap({ model, unit, onChange }: LayerMapProps) {
  const pick = (layer: string) => {
    const { weight } = unit;
    if (layer === CLASSES) onChange({ kind: 'class', index: 0, weight });
    else onChange(unit.kind === 'layer' ? { kind: 'layer', layer, weight } : { kind: 'channel', layer, index: 0, weight }); // prettier-ignore
  };
  const places = [
    ...model.layers.map(({ name, channels, height, width }) => ({ name, shape: [channels, height, width] })),
    { name: CLASSES, shape: undefined },
  ];
  const list = usePickedInView();
  return (
    <ol ref={list} class="network map" aria-label="Layers, from the picture to the classes">
      {places.map(({ name, shape }) => (
        <li key={name} class={name === layerOf(unit) ? 'trained' : 'passive'}>
          <button type="button" aria-pressed={name === layerOf(unit)} onClick={() => pick(name)}>
            <Slab shape={shape} side={model.shape[1]} />
            <strong>{name}</strong>
            <span class="note">{shape ? shapeInWords(shape) : `${model.labels.length} of them`}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

export function UnitSum({ model, units, at, onAt, onChange }: UnitSumProps) {
  const set = (i: number, unit: Unit) => onChange(units.map((u, k) => (k === i ? unit : u)));
  const unit = units[at]!;
  return (
    <div class="picker">
      <ol class="sum" aria-label="What is raised">
        {units.map((one, i) => (
          <li key={i} class={i === at ? 'current' : ''} onFocusIn={() => onAt(i)} onClick={() => onAt(i)}>
            <UnitFields unit={one} model={model} weighted={units.length > 1} onChange={(next) => set(i, next)} />
            {units.length > 1 && (
              <Button
                kind="quiet"
                aria-label={`Remove ${nameOf(one, model)}`}
                onClick={(e) => {
                  e.stopPropagation();
                  onAt(0);
                  onChange(units.filter((_, k) => k !== i));
                }}
              >
                ✕
              </Button>
            )}
          </li>
        ))}
      </ol>
      <div>
        <Button
          kind="quiet"
          onClick={() => {
            onChange([...units, unit.kind === 'channel' ? { ...unit, index: unit.index + 1 } : { ...unit }]);
            onAt(units.length);
          }}
        >
          + Add to the sum
        </Button>
      </div>
    </div>
  );
}

interface UnitFieldsProps {
  unit: Unit;
  model: ModelInfo;
  weighted: boolean;
  onChange: (unit: Unit) => void;
}

function UnitFields({ unit, model, weighted, onChange }: UnitFieldsProps) {
  const channels = unit.kind === 'channel' ? (model.layers.find(({ name }) => name === unit.layer)?.channels ?? 1) : 1;
  const whole = (value: number, most: number) => Math.min(most, Math.max(0, Math.round(value) || 0));
  return (
    <div class="row">
      {unit.kind === 'class' ? (
        <Select
          label="Class"
          value={String(unit.index)}
          options={model.labels.map((label, i) => [String(i), label] as const)}
          onChange={(index) => onChange({ ...unit, index: Number(index) })}
        />
      ) : (
        <Select
          label={unit.layer}
          value={unit.kind}
          options={[
            ['channel', 'one channel'],
            ['layer', 'the whole layer'],
          ]}
          onChange={(kind) => {
            const { layer, weight } = unit;
            onChange(kind === 'layer' ? { kind, layer, weight } : { kind, layer, index: 0, weight });
          }}
        />
      )}
      {unit.kind === 'channel' && (
        <Field label={`Channel, 0 to ${channels - 1}`}>
          <input
            type="number"
            min={0}
            max={channels - 1}
            value={unit.index}
            onInput={(e) => onChange({ ...unit, index: whole(e.currentTarget.valueAsNumber, channels - 1) })}
          />
        </Field>
      )}
      {weighted && (
        <Field label="Weight">
          <input
            type="number"
            step={0.1}
            value={unit.weight}
            onInput={(e) => onChange({ ...unit, weight: e.currentTarget.valueAsNumber || 0 })}
          />
        </Field>
      )}
    </div>
  );
}
