/** Teach the network new classes from a few pictures, with the network open. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ViewProps } from '../app.tsx';
import { faultOf, isAborted, lab, type Fault } from '../lab.ts';
import type { Source } from '../ui/intake.tsx';
import { Button, Problem } from '../ui/parts.tsx';
import type { TuneEvent } from '../worker/tuning.ts';
import { ClassList, type Item, type TuneClass } from './class_list.tsx';
import { ForecastLine } from './forecast.tsx';
import { NetworkMap } from './network_map.tsx';
import { ProjectButtons } from './project_buttons.tsx';
import { Results, type History } from './results.tsx';
import { Settings, type TuneSettings } from './settings.tsx';

/** Classes that the embedded model has never seen, as long as nobody has pictures at hand. */
const SAMPLES = ['heart', 'arrow', 'hexagon'];
const HELD_OUT_EVERY = 4;

const noHistory: History = {
  steps: [],
  losses: [],
  epochs: [],
  accuracy: [],
  heldOut: [],
  verdicts: [],
  maps: [],
  warnings: [],
  times: [],
};

type State = 'idle' | 'running' | 'paused';

export function TuneView({ model, onModel, active }: ViewProps) {
  const [classes, setClasses] = useState<TuneClass[]>([
    { name: 'class 1', items: [] },
    { name: 'class 2', items: [] },
  ]);
  const head = model.stages.findLast((stage) => stage.parameters > 0)?.name ?? '';
  const [unfrozen, setUnfrozen] = useState<string[]>([head]);
  const [settings, setSettings] = useState<TuneSettings>({ optimizer: 'adam', lr: 3e-3, epochs: 12, batchSize: 8 });
  const [state, setState] = useState<State>('idle');
  const [history, setHistory] = useState(noHistory);
  const [fault, setFault] = useState<Fault>();
  const [notice, setNotice] = useState('');
  const [canUndo, setCanUndo] = useState(false);
  const first = useRef(true);

  const fail = (error: unknown) => {
    if (!isAborted(error)) setFault(faultOf(error));
  };
  const items = classes.flatMap(({ items }, label) => items.map((item, i) => ({ ...item, label, heldOut: i % HELD_OUT_EVERY === HELD_OUT_EVERY - 1 }))); // prettier-ignore
  const addItems = (at: number, added: Item[]) =>
    setClasses((list) => list.map((c, i) => (i === at ? { ...c, items: [...c.items, ...added] } : c)));
  const add = async (at: number, sources: Source[]) => {
    setFault(undefined);
    for (const source of sources) {
      try {
        const { id, image } = await lab.add(source);
        addItems(at, [{ id, image, pinned: false }]);
      } catch (error) {
        fail(error);
      }
    }
  };
  const samples = async () => {
    try {
      const made = await lab.samples(SAMPLES, 16 * SAMPLES.length, 'fine-tune');
      setClasses(SAMPLES.map((name, label) => ({ name, items: made.filter((m) => m.label === label).map(({ id, image }, i) => ({ id, image, pinned: i === 3 })) }))); // prettier-ignore
    } catch (error) {
      fail(error);
    }
  };
  useEffect(() => {
    if (first.current) first.current = false;
    else if (!unfrozen.every((name) => model.stages.some((stage) => stage.name === name))) setUnfrozen([head]);
  }, [model]);

  const hear = (event: TuneEvent) => {
    if (event.type === 'head' && event.dropped.length > 0)
      setNotice(`The classes ${event.dropped.slice(0, 4).join(', ')}${event.dropped.length > 4 ? ` and ${event.dropped.length - 4} more` : ''} were replaced${event.kept.length ? `; ${event.kept.join(', ')} kept what was known of them` : ''}. Undo brings them back.`); // prettier-ignore
    if (event.type === 'lost') setNotice(`The GPU was lost; epoch ${event.epoch} begins again on a new device.`);
    setHistory((h) => heard(h, event));
  };
  const start = async () => {
    setFault(undefined);
    setNotice('');
    setHistory(noHistory);
    setState('running');
    setCanUndo(true);
    const pictures = items.map(({ id, label, heldOut }) => ({ picture: id, label, heldOut }));
    const pinned = items.filter(({ pinned }) => pinned).map(({ id }) => id);
    const options = { classes: classes.map(({ name }) => name), pictures, unfrozen, pinned, ...settings };
    try {
      onModel(await lab.tune(options, hear));
    } catch (error) {
      fail(error);
    } finally {
      setState('idle');
    }
  };
  const pause = () => {
    void (state === 'paused' ? lab.resume() : lab.pause());
    setState(state === 'paused' ? 'running' : 'paused');
  };
  const undo = async () => {
    try {
      onModel(await lab.undo());
      setHistory(noHistory);
      setNotice('The network is as it was before the training.');
      setCanUndo(false);
    } catch (error) {
      fail(error);
    }
  };
  const busy = state !== 'idle';
  return (
    <div class="tune">
      <div class="column">
        <h2>1. Pictures</h2>
        <div class="row">
          <Button disabled={busy} onClick={() => void samples()}>
            Use sample shapes
          </Button>
          <ProjectButtons
            disabled={busy}
            project={{ model: model.name, classes, unfrozen, settings }}
            onLoad={(project, opened) => {
              onModel(opened);
              setClasses([...project.classes]);
              setUnfrozen([...project.unfrozen]);
              setSettings(project.settings);
              setHistory(noHistory);
              setCanUndo(false);
            }}
            onFault={setFault}
          />
        </div>
        <ClassList
          classes={classes}
          disabled={busy}
          onChange={setClasses}
          onPictures={(at, sources) => void add(at, sources)}
        />
      </div>
      <div class="column wide">
        <h2>2. What is trained</h2>
        <NetworkMap
          stages={model.stages}
          side={model.shape[1]}
          unfrozen={unfrozen}
          disabled={busy}
          onChange={setUnfrozen}
        />
        <ForecastLine
          model={model}
          unfrozen={unfrozen}
          optimizer={settings.optimizer}
          batchSize={settings.batchSize}
          idle={!busy && active}
          measured={median(history.times)}
        />
        <Settings settings={settings} disabled={busy} onChange={setSettings} />
        <h2>3. Train</h2>
        <div class="row">
          {busy ? (
            <>
              <Button onClick={pause}>{state === 'paused' ? 'Go on' : 'Pause'}</Button>
              <Button onClick={() => void lab.stop('tune')}>Stop</Button>
            </>
          ) : (
            <Button kind="main" onClick={() => void start()}>
              Train
            </Button>
          )}
          <Button disabled={busy || !canUndo} onClick={() => void undo()}>
            Undo
          </Button>
          <Button disabled={busy} onClick={() => void exportOnnx(model.name).catch(fail)}>
            Export .onnx
          </Button>
        </div>
        {notice && <p class="note">{notice}</p>}
        {fault && <Problem fault={fault} onClose={() => setFault(undefined)} />}
        <Results history={history} classes={classes.map(({ name }) => name)} items={items} />
      </div>
    </div>
  );
}

const median = (values: readonly number[]): number | undefined =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

function heard(h: History, event: TuneEvent): History {
  if (event.type === 'step')
    return { ...h, steps: [...h.steps, event.step], losses: [...h.losses, event.loss], times: [...h.times, event.ms] };
  if (event.type === 'head' || event.type === 'lost') return h;
  if (event.type === 'look') return { ...h, maps: event.maps };
  return {
    ...h,
    epochs: [...h.epochs, event.epoch],
    accuracy: [...h.accuracy, event.accuracy],
    heldOut: [...h.heldOut, event.heldOut ?? null],
    verdicts: event.verdicts,
    maps: event.maps,
    warnings: event.warnings,
  };
}

/** Saves the model as a file of the user's. */
async function exportOnnx(name: string): Promise<void> {
  const bytes = await lab.save();
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
  link.download = `${name.replace(/\.onnx$/, '').replace(/[^\w-]+/g, '-')}-tuned.onnx`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
