/** A drawing as it grows: the newest frame, or any one before it; the curve; saved as a picture or an animation. */
import { useState } from 'preact/hooks';
import { lab, faultOf, type Fault } from '../lab.ts';
import { Button, Picture, Progress, Range } from '../ui/parts.tsx';
import { Plot } from '../ui/plot.tsx';
import { saveFile, savePng } from '../ui/save.ts';
import type { DreamFrame } from '../worker/dreaming.ts';

interface FilmProps {
  frames: readonly DreamFrame[];
  running: boolean;
  title: string;
  onFault: (fault: Fault) => void;
}

/** Milliseconds of a frame in the animation. */
const DELAY = 80;

export function Film({ frames, running, title, onFault }: FilmProps) {
  const [at, setAt] = useState<number>();
  const [saving, setSaving] = useState(false);
  const last = frames.length - 1;
  const shown = running || at === undefined ? last : Math.min(at, last);
  const frame = frames[shown]!;
  const file = `wgrad ${title}`.replace(/[^\w.-]+/g, '-');
  const animate = async () => {
    setSaving(true);
    try {
      const bytes = await lab.animation(frames.map(({ image }) => image), DELAY); // prettier-ignore
      saveFile(`${file}.apng`, bytes as Uint8Array<ArrayBuffer>, 'image/apng');
    } catch (error) {
      onFault(faultOf(error));
    } finally {
      setSaving(false);
    }
  };
  const label = `step ${frame.step} of ${frame.steps}, activation ${frame.objective.toPrecision(3)}`;
  return (
    <div class="film">
      <figure>
        <Picture image={frame.image} label={`What raises ${title}`} class="big" />
        <figcaption>{title}</figcaption>
      </figure>
      <div class="column">
        {running ? (
          <Progress done={frame.step} total={frame.steps} label={label} />
        ) : (
          <Range
            label="Frame"
            value={shown}
            min={0}
            max={last}
            step={1}
            print={() => label}
            onChange={(value) => setAt(value)}
          />
        )}
        <Plot
          title="Activation"
          x={frames.map(({ step }) => step)}
          curves={[{ label: 'activation', color: '--series-1', values: frames.map(({ objective }) => objective) }]}
        />
        <div class="row">
          <Button disabled={running} onClick={() => void savePng(`${file}.png`, frame.image)}>
            Save PNG
          </Button>
          <Button disabled={running || saving || last < 1} onClick={() => void animate()}>
            {saving ? 'Saving' : 'Save animation'}
          </Button>
        </div>
      </div>
    </div>
  );
}
