/** Where pictures come from: dropped, pasted, picked, photographed, or drawn. They never leave this machine. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Button } from './parts.tsx';

export type Source = Blob | ImageData;

interface IntakeProps {
  label: string;
  multiple?: boolean;
  /** Takes what is pasted anywhere in the page. */
  pastes?: boolean;
  onPictures: (sources: Source[]) => void;
  children?: ComponentChildren;
}

const picturesOf = (items: DataTransfer | null): File[] => [...(items?.files ?? [])];

export function Intake({ label, multiple = false, pastes = false, onPictures, children }: IntakeProps) {
  const [over, setOver] = useState(false);
  const [camera, setCamera] = useState(false);
  const [sketch, setSketch] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const give = (files: Source[]) => files.length > 0 && onPictures(multiple ? files : files.slice(0, 1));
  useEffect(() => {
    if (!pastes) return;
    const onPaste = (event: ClipboardEvent) => give(picturesOf(event.clipboardData));
    addEventListener('paste', onPaste);
    return () => removeEventListener('paste', onPaste);
  });
  return (
    <div
      class={`intake ${over ? 'over' : ''}`}
      onDragOver={(e) => (e.preventDefault(), setOver(true))}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault();
        e.stopPropagation();
        setOver(false);
        give(picturesOf(e.dataTransfer));
      }}
    >
      <input
        ref={input}
        type="file"
        accept="image/*"
        multiple={multiple}
        aria-label={label}
        onChange={(e) => {
          give([...(e.currentTarget.files ?? [])]);
          e.currentTarget.value = '';
        }}
      />
      <div class="row">
        <Button onClick={() => input.current!.click()}>{label}</Button>
        <Button onClick={() => setCamera(!camera)} aria-pressed={camera}>
          Camera
        </Button>
        <Button onClick={() => setSketch(!sketch)} aria-pressed={sketch}>
          Draw
        </Button>
        {children}
      </div>
      {camera && <Camera burst={multiple} onPicture={(picture) => give([picture])} />}
      {sketch && <Sketch onPicture={(picture) => give([picture])} />}
    </div>
  );
}

/** Milliseconds from one picture to the next, while the button is held. */
const BURST = 200;

interface CameraProps {
  /** Whether holding the button takes one picture after the other. */
  burst: boolean;
  onPicture: (picture: ImageData) => void;
}

function Camera({ burst, onPicture }: CameraProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    let stream: MediaStream | undefined;
    let gone = false;
    navigator.mediaDevices
      ?.getUserMedia({ video: { width: 640 } })
      .then((opened) => {
        if (gone) return opened.getTracks().forEach((track) => track.stop());
        stream = opened;
        video.current!.srcObject = opened;
        return video.current!.play();
      })
      .catch((error: Error) => setProblem(`No camera: ${error.message}`));
    return () => {
      gone = true;
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, []);
  const shoot = () => {
    const { videoWidth: width, videoHeight: height } = video.current!;
    if (width === 0) return;
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.drawImage(video.current!, 0, 0);
    onPicture(context.getImageData(0, 0, width, height));
  };
  const held = useRef<ReturnType<typeof setInterval>>(undefined);
  const release = () => clearInterval(held.current);
  useEffect(() => release, []);
  if (problem) return <p class="note">{problem}</p>;
  return (
    <div class="camera">
      <video ref={video} muted playsInline aria-label="Camera" />
      <Button
        kind="main"
        onClick={shoot}
        onPointerDown={() => {
          release();
          if (burst) held.current = setInterval(shoot, BURST);
        }}
        onPointerUp={release}
        onPointerLeave={release}
        onPointerCancel={release}
      >
        {burst ? 'Take picture, or hold for more' : 'Take picture'}
      </Button>
    </div>
  );
}

const SKETCH = 192;
const INKS = ['#e0503a', '#2c7fb8', '#3a9d5d', '#f2c14e', '#1b1b1f', '#fafafa'];

function Sketch({ onPicture }: { onPicture: (picture: ImageData) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [ink, setInk] = useState(INKS[0]!);
  const last = useRef<[number, number] | undefined>(undefined);
  const context = () => canvas.current!.getContext('2d', { willReadFrequently: true })!;
  const clear = () => {
    context().fillStyle = '#8a8f98';
    context().fillRect(0, 0, SKETCH, SKETCH);
  };
  useEffect(clear, []);
  const draw = (event: PointerEvent, begins: boolean) => {
    if (event.buttons === 0) return;
    const { left, top, width } = canvas.current!.getBoundingClientRect();
    const at: [number, number] = [((event.clientX - left) * SKETCH) / width, ((event.clientY - top) * SKETCH) / width];
    const c = context();
    c.strokeStyle = ink;
    c.lineWidth = 18;
    c.lineCap = 'round';
    c.beginPath();
    c.moveTo(...((begins ? undefined : last.current) ?? at));
    c.lineTo(...at);
    c.stroke();
    last.current = at;
  };
  return (
    <div class="sketch">
      <canvas
        ref={canvas}
        width={SKETCH}
        height={SKETCH}
        role="img"
        aria-label="Drawing area"
        onPointerDown={(e) => draw(e, true)}
        onPointerMove={(e) => draw(e, false)}
      />
      <div class="row">
        {INKS.map(
          (colour) =>
          <button type="button" key={colour} class="ink" style={{ background: colour }} aria-label={`Ink ${colour}`} aria-pressed={ink === colour} onClick={() => setInk(colour)} />, // prettier-ignore
        )}
        <Button kind="quiet" onClick={clear}>
          Clear
        </Button>
        <Button kind="main" onClick={() => onPicture(context().getImageData(0, 0, SKETCH, SKETCH))}>
          Use drawing
        </Button>
      </div>
    </div>
  );
}
