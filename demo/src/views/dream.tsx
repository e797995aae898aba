/** What units respond to: a picture that grows from noise or out of a photograph, or a sheet of a layer. */
import { useEffect, useState } from 'preact/hooks';
import type { ViewProps } from '../app.tsx';
import { faultOf, isAborted, lab, type Fault } from '../lab.ts';
import { Intake, type Source } from '../ui/intake.tsx';
import { Button, Empty, Field, Picture, Problem, Range } from '../ui/parts.tsx';
import type { DreamFrame, SheetCell, Unit } from '../worker/dreaming.ts';
import { Film } from './film.tsx';
import { layerOf, LayerMap, nameOf, UnitSum } from './unit_picker.tsx';

const SHEET_UNITS = 12;
/** Steps of each picture of a sheet, at most. */
const SHEET_STEPS = 64;

type Job = 'dream' | 'sheet';

export function DreamView({ model, active }: ViewProps) {
  const last = model.layers.at(-1);
  const [units, setUnits] = useState<Unit[]>(
    last ? [{ kind: 'channel', layer: last.name, index: 0, weight: 1 }] : [{ kind: 'class', index: 0, weight: 1 }],
  );
  const [at, setAt] = useState(0);
  const [from, setFrom] = useState<'noise' | 'photo'>('noise');
  const [photo, setPhoto] = useState<Source>();
  const [steps, setSteps] = useState(128);
  const [octaves, setOctaves] = useState(4);
  const [seed, setSeed] = useState(1);
  const [rate, setRate] = useState(0.05);
  const [smoothness, setSmoothness] = useState(0);
  const [frames, setFrames] = useState<DreamFrame[]>([]);
  const [drawn, setDrawn] = useState('');
  const [sheet, setSheet] = useState<{ layer: string; cells: SheetCell[] }>();
  const [running, setRunning] = useState<Job>();
  const [fault, setFault] = useState<Fault>();

  const during = async (what: Job, work: () => Promise<unknown>) => {
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
      setFrames([]);
      setDrawn(units.map((unit) => nameOf(unit, model)).join(' + '));
      const onFrame = (frame: DreamFrame) => setFrames((list) => [...list, frame]);
      if (from === 'photo') return lab.dreamOn(photo!, { units, steps, seed, octaves }, onFrame);
      return lab.dream({ units, steps, seed, rate, smoothness }, onFrame);
    });
  const unit = units[at] ?? units[0]!;
  const name = layerOf(unit);
  const channels = model.layers.find((layer) => layer.name === name)?.channels ?? 0;
  const drawSheet = (first: number) =>
    during('sheet', () => {
      setSheet({ layer: name, cells: [] });
      const start = Math.min(first, Math.max(0, channels - SHEET_UNITS));
      const list = Array.from({ length: Math.min(SHEET_UNITS, channels) }, (_, i) => start + i);
      const onCell = (cell: SheetCell) => setSheet((s) => ({ layer: name, cells: [...(s?.cells ?? []), cell] }));
      return lab.sheet(name, list, Math.min(steps, SHEET_STEPS), onCell);
    });
  const busy = running !== undefined;
  const ready = !busy && (from === 'noise' || photo !== undefined);
  return (
    <div class="dream">
      <div class="column whole">
        <h2>What is raised</h2>
        <LayerMap model={model} unit={unit} onChange={(next) => setUnits(units.map((u, i) => (i === at ? next : u)))} />
      </div>
      <div class="column">
        <UnitSum model={model} units={units} at={at} onAt={setAt} onChange={setUnits} />
        <h2>What it starts from</h2>
        <div class="tabs" role="group" aria-label="What it starts from">
          <Button aria-pressed={from === 'noise'} onClick={() => setFrom('noise')}>
            Noise
          </Button>
          <Button aria-pressed={from === 'photo'} onClick={() => setFrom('photo')}>
            A photograph
          </Button>
        </div>
        {from === 'photo' && (
          <Intake
            label={photo ? 'Another picture' : 'Choose a picture'}
            pastes={active}
            onPictures={([source]) => setPhoto(source)}
          >
            {photo && <Preview source={photo} />}
          </Intake>
        )}
        <div class="row settings">
          <Range label="Steps" value={steps} min={16} max={512} step={16} onChange={setSteps} />
          {from === 'photo' ? (
            <Range label="Sizes, from small to full" value={octaves} min={1} max={6} step={1} onChange={setOctaves} />
          ) : (
            <>
              <Range label="Step size" value={rate} min={0.01} max={0.2} step={0.01} onChange={setRate} />
              <Range label="Smoothness" value={smoothness} min={0} max={20} step={1} onChange={setSmoothness} />
            </>
          )}
          <Field label="Seed">
            <input
              type="number"
              value={seed}
              onInput={(e) => setSeed(Math.round(e.currentTarget.valueAsNumber) || 0)}
            />
          </Field>
        </div>
        <div class="row">
          <Button kind="main" disabled={!ready} onClick={() => void draw()}>
            Dream
          </Button>
          {channels > 0 && (
            <Button
              disabled={busy}
              onClick={() => void drawSheet(unit.kind === 'channel' ? unit.index : 0)}
            >{`Sheet of ${name}`}</Button>
          )}
          {running && <Button onClick={() => void lab.stop(running)}>Stop</Button>}
        </div>
        {fault && <Problem fault={fault} onClose={() => setFault(undefined)} />}
      </div>
      <div class="column wide">
        {frames.length > 0 ? (
          <Film frames={frames} running={running === 'dream'} title={drawn} onFault={setFault} />
        ) : (
          !sheet && (
            <Empty title={running ? 'Preparing' : 'Nothing drawn yet'}>
              <p>
                Step by step the picture is changed so that what you picked is more active, from noise or out of a
                photograph of yours.
              </p>
            </Empty>
          )
        )}
        {sheet && (
          <section class="column" aria-label={`Sheet of ${sheet.layer}`}>
            <h2>Channels of {sheet.layer}</h2>
            <div class="thumbs large">
              {sheet.cells.map(({ unit: index, image, objective }) => (
                <figure key={index}>
                  <Picture
                    image={image}
                    label={`Channel ${index}: raise it`}
                    onClick={
                      () =>
                      setUnits(units.map((u, i) => (i === at ? { kind: 'channel', layer: sheet.layer, index, weight: u.weight } : u))) // prettier-ignore
                    }
                  />
                  <figcaption class="note">
                    {index}: {objective.toPrecision(3)}
                  </figcaption>
                </figure>
              ))}
            </div>
            <div class="row">
              <Button
                disabled={busy || name !== sheet.layer || (sheet.cells.at(-1)?.unit ?? 0) >= channels - 1}
                onClick={() => void drawSheet((sheet.cells.at(-1)?.unit ?? -1) + 1)}
              >
                Next channels
              </Button>
            </div>
          </section>
        )}
      </div>
    </div>
  );
}

function Preview({ source }: { source: Source }) {
  const [image, setImage] = useState<ImageData>();
  useEffect(() => {
    let current = true;
    lab.preview(source).then(
      (small) => current && setImage(small),
      // What is no picture says so when it is dreamt on.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [source]);
  return <Picture image={image} label="The photograph" class="small" />;
}
