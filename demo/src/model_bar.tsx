/** Which network is open, and how to open another. */
import { useRef, useState } from 'preact/hooks';
import { Button } from './ui/parts.tsx';
import type { ModelInfo } from './worker/session.ts';

interface ModelBarProps {
  model: ModelInfo | undefined;
  busy: boolean;
  onFile: (file: File) => void;
  onUrl: (url: string, name: string) => void;
  onPublished: (name: string) => void;
  /** Back to the model that comes with the page; undefined where it is open. */
  onEmbedded: (() => void) | undefined;
}

const count = (n: number) =>
  n >= 1e6 ? `${(n / 1e6).toFixed(1)} M` : n >= 1e3 ? `${(n / 1e3).toFixed(0)} k` : String(n);

export function ModelBar({ model, busy, onFile, onUrl, onPublished, onEmbedded }: ModelBarProps) {
  const file = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [address, setAddress] = useState(false);
  const parameters = model?.stages.reduce((n, stage) => n + stage.parameters, 0) ?? 0;
  return (
    <div
      class={`model ${over ? 'over' : ''}`}
      onDragOver={(e) => (e.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault();
        e.stopPropagation();
        setOver(false);
        const [dropped] = e.dataTransfer?.files ?? [];
        if (dropped) onFile(dropped);
      }}
    >
      <div class="summary">
        <strong>{model?.name ?? 'No model'}</strong>
        {model && (
          <span class="note">
            {model.labels.length} classes · {count(parameters)} parameters · {model.shape[1]} × {model.shape[2]} pixels
          </span>
        )}
      </div>
      <div class="row">
        <input
          ref={file}
          type="file"
          accept=".onnx"
          aria-label="Open an ONNX file"
          onChange={(e) => {
            const [picked] = e.currentTarget.files ?? [];
            if (picked) onFile(picked);
            e.currentTarget.value = '';
          }}
        />
        {onEmbedded && (
          <Button disabled={busy} onClick={onEmbedded}>
            Embedded model
          </Button>
        )}
        <Button disabled={busy} onClick={() => onPublished('resnet50')}>
          ResNet-50 <span class="note">103 MB</span>
        </Button>
        <Button disabled={busy} onClick={() => file.current!.click()}>
          Open .onnx
        </Button>
        <Button disabled={busy} aria-expanded={address} onClick={() => setAddress(!address)}>
          Address
        </Button>
      </div>
      {address && <Address onUrl={onUrl} />}
      {model && model.warnings.length > 0 && (
        <ul class="warnings">
          {model.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Address({ onUrl }: Pick<ModelBarProps, 'onUrl'>) {
  const [url, setUrl] = useState('');
  return (
    <form
      class="row address"
      onSubmit={(e) => {
        e.preventDefault();
        onUrl(url, url.split('/').at(-1) || url);
      }}
    >
      <input
        type="url"
        required
        value={url}
        placeholder="https://…/model.onnx, of a server that allows it"
        aria-label="Address of an ONNX file"
        onInput={(e) => setUrl(e.currentTarget.value)}
      />
      <button class="button main" type="submit">
        Download
      </button>
    </form>
  );
}
