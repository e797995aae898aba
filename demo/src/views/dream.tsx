/** What units respond to: one picture that grows, or a sheet of a layer. */
import { useState } from 'preact/hooks';
import type { ViewProps } from '../app.tsx';
import { faultOf, isAborted, lab, type Fault } from '../lab.ts';
import { Button, Empty, Field, Picture, Problem, Progress, Range, Select } from '../ui/parts.tsx';
import { Plot } from '../ui/plot.tsx';
import type { Dream, DreamFrame, SheetCell } from '../worker/dreaming.ts';

interface Unit {
  layer: string;
  unit: number;
  weight: number;
}

const SHEET_UNITS = 12;

export function DreamView({ model }: ViewProps) {
  const last = model.layers.at(-1);
  const [units, setUnits] = useState<Unit[]>(last ? [{ layer: last.name, unit: 0, weight: 1 }] : []);
  const [steps, setSteps] = useState(128);
  const [seed, setSeed] = useState(1);
  const [frame, setFrame] = useState<DreamFrame>();
  const [curve, setCurve] = useState<{ x: number[]; y: number[] }>({ x: [], y: [] });
  const [sheet, setSheet] = useState<SheetCell[]>([]);
  const [running, setRunning] = useState<'dream' | 'sheet'>();
  const [fault, setFault] = useState<Fault>();

  const during = async (what: 'dream' | 'sheet', work: () => Promise<unknown>) => {
    setFault(undefined);
    setRunning(what);
    try {
      await work();
    } catch (error) {
      if (!isAborted(error)) setFault(faultOf(error));
    } finally {
      setRunning(undefined);
    }
  };
  const draw = () =>
    during('dream', () => {
      setCurve({ x: [], y: [] });
      const dream: Dream = { units, steps, seed };
      const onFrame = (next: DreamFrame) => {
        setFrame(next);
        setCurve(({ x, y }) => ({ x: [...x, next.step], y: [...y, next.objective] }));
      };
      return lab.dream(dream, onFrame);
    });
  const [first] = units;
  const channels = model.layers.find(({ name }) => name === first?.layer)?.channels ?? 0;
  const drawSheet = () =>
    during('sheet', () => {
      setSheet([]);
      const from = Math.min(first!.unit, Math.max(0, channels - SHEET_UNITS));
      const list = Array.from({ length: Math.min(SHEET_UNITS, channels) }, (_, i) => from + i);
      return lab.sheet(first!.layer, list, Math.min(steps, 64), (cell: SheetCell) =>
        setSheet((cells) => [...cells, cell]),
      );
    });
  const set = (at: number, part: Partial<Unit>) => setUnits(units.map((u, i) => (i === at ? { ...u, ...part } : u)));
  if (!last) return <Empty title="This network has no layer with units in space">Open another one.</Empty>;
  return (
    <div class="dream">
      <div class="column">
        <h2>Which units</h2>
        {units.map((unit, at) => (
          <UnitRow
            key={at}
            unit={unit}
            model={model}
            onChange={(part) => set(at, part)}
            {...(units.length > 1 && { onRemove: () => setUnits(units.filter((_, i) => i !== at)) })}
          />
        ))}
        <Button kind="quiet" onClick={() => setUnits([...units, { layer: last.name, unit: 1, weight: 1 }])}>
          Add a unit to the sum
        </Button>
        <Range label="Steps" value={steps} min={16} max={512} step={16} onChange={setSteps} />
        <Field label="Seed">
          <input type="number" value={seed} onInput={(e) => setSeed(Math.round(e.currentTarget.valueAsNumber) || 0)} />
        </Field>
        <div class="row">
          <Button kind="main" disabled={running !== undefined} onClick={() => void draw()}>
            Draw
          </Button>
          <Button disabled={running !== undefined} onClick={() => void drawSheet()}>
            Sheet of {first?.layer}
          </Button>
          {running && <Button onClick={() => void lab.stop(running)}>Stop</Button>}
          {frame && !running && <Button onClick={() => savePng(frame.image)}>Save PNG</Button>}
        </div>
        {fault && <Problem fault={fault} onClose={() => setFault(undefined)} />}
      </div>
      <div class="column wide">
        {frame ? (
          <>
            <Picture
              image={frame.image}
              label={`What raises ${units.map(({ layer, unit }) => `${layer}:${unit}`).join(' + ')}`}
              class="big"
            />
            <Progress
              done={frame.step}
              total={frame.steps}
              label={`step ${frame.step} of ${frame.steps}, activation ${frame.objective.toPrecision(3)}`}
            />
            <Plot
              title="Activation"
              x={curve.x}
              curves={[{ label: 'activation', color: '--series-1', values: curve.y }]}
            />
          </>
        ) : (
          <Empty title="Nothing drawn yet">
            <p>Starting from noise, the picture is changed step by step so that the unit is more active.</p>
          </Empty>
        )}
        {sheet.length > 0 && (
          <div class="thumbs large">
            {sheet.map(({ unit, image, objective }) => (
              <figure key={unit}>
                <Picture image={image} label={`Unit ${unit}`} onClick={() => set(0, { unit })} />
                <figcaption class="note">
                  {unit}: {objective.toPrecision(3)}
                </figcaption>
              </figure>
            ))}
          </div>
        )}
      </div>
    </div>
  );
}

interface UnitRowProps {
  unit: Unit;
  model: ViewProps['model'];
  onChange: (part: Partial<Unit>) => void;
  onRemove?: () => void;
}

function UnitRow({ unit, model, onChange, onRemove }: UnitRowProps) {
  const channels = model.layers.find(({ name }) => name === unit.layer)?.channels ?? 1;
  return (
    <div class="row unit">
      <Select
        label="Layer"
        value={unit.layer}
        options={model.layers.map(({ name, channels: n, height }) => [
          name,
          `${name} (${n} units, ${height} × ${height})`,
        ])}
        onChange={(layer) => onChange({ layer, unit: 0 })}
      />
      <Field label="Unit">
        <input
          type="number"
          min={0}
          max={channels - 1}
          value={unit.unit}
          onInput={(e) =>
            onChange({ unit: Math.min(channels - 1, Math.max(0, Math.round(e.currentTarget.valueAsNumber) || 0)) })
          }
        />
      </Field>
      <Field label="Weight">
        <input
          type="number"
          step={0.1}
          value={unit.weight}
          onInput={(e) => onChange({ weight: e.currentTarget.valueAsNumber || 0 })}
        />
      </Field>
      {onRemove && (
        <Button kind="quiet" aria-label="Remove this unit" onClick={onRemove}>
          ✕
        </Button>
      )}
    </div>
  );
}

function savePng(image: ImageData): void {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  void canvas.convertToBlob({ type: 'image/png' }).then((blob) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = 'wgrad-dream.png';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}
