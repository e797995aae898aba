/** The page: the model that is open on top, four views of it below. */
import { useEffect, useState } from 'preact/hooks';
import embedded from '../../weights/shapes.onnx?url';
import { SOFTWARE_NOTE } from '../../src/gpu/adapter.ts';
import { faultOf, isAborted, lab, type Fault } from './lab.ts';
import { ModelBar } from './model_bar.tsx';
import { Problem, Progress } from './ui/parts.tsx';
import { BenchView } from './views/bench.tsx';
import { DreamView } from './views/dream.tsx';
import { ExplainView } from './views/explain.tsx';
import { TuneView } from './views/tune.tsx';
import type { DeviceInfo, ModelInfo } from './worker/session.ts';

export interface ViewProps {
  model: ModelInfo;
  /** The network changed under the view: another head, or other weights. */
  onModel: (model: ModelInfo) => void;
  /** Whether the view is the one that is shown; the others keep their state. */
  active: boolean;
}

const views = [
  ['explain', 'Explain', ExplainView],
  ['tune', 'Fine-tune', TuneView],
  ['dream', 'Dream', DreamView],
  ['bench', 'Bench', BenchView],
] as const;

const EMBEDDED = 'shapes (embedded)';

type ViewName = (typeof views)[number][0];

const fromHash = (): ViewName => views.find(([name]) => location.hash === `#${name}`)?.[0] ?? 'explain';

export interface Opening {
  name: string;
  loaded: number;
  total: number;
}

export function App() {
  const [view, setView] = useState(fromHash);
  const [device, setDevice] = useState<DeviceInfo>();
  const [model, setModel] = useState<ModelInfo>();
  /** Which file is open: a change makes the views forget what belonged to another. */
  const [generation, setGeneration] = useState(0);
  const [opening, setOpening] = useState<Opening>();
  const [fault, setFault] = useState<Fault>();

  const open = async (name: string, load: () => Promise<ModelInfo>) => {
    setOpening({ name, loaded: 0, total: NaN });
    setFault(undefined);
    try {
      const info = await load();
      setModel(info);
      setGeneration((n) => n + 1);
    } catch (error) {
      if (!isAborted(error)) setFault(faultOf(error));
    } finally {
      setOpening(undefined);
    }
  };
  const openUrl = (url: string, name: string) =>
    open(name, () => lab.openUrl(url, name, (loaded: number, total: number) => setOpening({ name, loaded, total })));
  const openEmbedded = () => openUrl(new URL(embedded, location.href).href, EMBEDDED);
  const openPublished = (name: string) =>
    open(name, () => lab.openPublished(name, (loaded: number, total: number) => setOpening({ name, loaded, total })));
  const openFile = (file: File) =>
    open(file.name, async () => {
      const bytes = new Uint8Array(await file.arrayBuffer());
      return lab.openFile(bytes, file.name);
    });

  useEffect(() => {
    const onHash = () => setView(fromHash());
    addEventListener('hashchange', onHash);
    // A file that misses its place must not replace the page; a model may be dropped anywhere.
    const onDrag = (event: DragEvent) => event.preventDefault();
    const onDrop = (event: DragEvent) => {
      event.preventDefault();
      const model = [...(event.dataTransfer?.files ?? [])].find(({ name }) => name.endsWith('.onnx'));
      if (model) void openFile(model);
    };
    addEventListener('dragover', onDrag);
    addEventListener('drop', onDrop);
    void lab
      .device()
      .then(setDevice)
      .then(openEmbedded)
      .catch((error: unknown) => setFault(faultOf(error)));
    return () => {
      removeEventListener('hashchange', onHash);
      removeEventListener('dragover', onDrag);
      removeEventListener('drop', onDrop);
    };
  }, []);

  return (
    <>
      <header>
        <a class="brand" href="#explain">
          wgrad
        </a>
        <nav aria-label="Views">
          {views.map(([name, title]) => (
            <a key={name} href={`#${name}`} aria-current={view === name ? 'page' : undefined}>
              {name === 'explain' ? (
                <>
                  <span class="wide">Classify &amp; explain</span>
                  <span class="narrow">{title}</span>
                </>
              ) : (
                title
              )}
            </a>
          ))}
        </nav>
        <DeviceBadge device={device} />
      </header>
      <ModelBar
        model={model}
        busy={opening !== undefined}
        onFile={(file) => void openFile(file)}
        onUrl={(url, name) => void openUrl(url, name)}
        onPublished={(name) => void openPublished(name)}
        onEmbedded={model && model.name !== EMBEDDED ? () => void openEmbedded() : undefined}
      />
      <main>
        {fault && <Problem fault={fault} onClose={() => setFault(undefined)} />}
        {opening && <Opening {...opening} />}
        {!model && !opening && !fault && <Progress done={0} total={NaN} label="Looking for a GPU" />}
        {model &&
          views.map(([name, title, View]) => (
            <section key={`${name} ${generation}`} hidden={view !== name} aria-label={title}>
              <View model={model} onModel={setModel} active={view === name} />
            </section>
          ))}
      </main>
      <footer>
        Pictures and models stay on this machine: nothing is uploaded. All of it is computed by{' '}
        <a href="https://www.w3.org/TR/webgpu/">WebGPU</a>, in a worker.
      </footer>
    </>
  );
}

function Opening({ name, loaded, total }: Opening) {
  const known = Number.isFinite(total);
  const megabytes = (n: number) => `${(n / 1e6).toFixed(1)} MB`;
  const label =
    loaded === 0 ? `Opening ${name}` : `${name}: ${megabytes(loaded)}${known ? ` of ${megabytes(total)}` : ''}`;
  return (
    <div class="row">
      <Progress done={loaded} total={known ? total : NaN} label={label} />
      <button type="button" class="button" onClick={() => void lab.stop('open')}>
        Cancel
      </button>
    </div>
  );
}

function DeviceBadge({ device }: { device: DeviceInfo | undefined }) {
  if (!device) return null;
  if (!device.software) return <span class="badge">{device.description}</span>;
  return (
    <details class="badge slow">
      <summary>Software: {device.description}</summary>
      <p>{SOFTWARE_NOTE}</p>
    </details>
  );
}
