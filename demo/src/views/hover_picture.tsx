/** The picture as the network sees it; pointing at it hides a region, and the scores tell what that does. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ClassScore } from '../../../src/model/model.ts';
import { lab } from '../lab.ts';
import { Picture } from '../ui/parts.tsx';
import type { Shown } from '../worker/session.ts';

interface HoverProps {
  picture: Shown;
  /** undefined when nothing is hidden. */
  onScores: (scores: ClassScore[] | undefined) => void;
}

export function HoverPicture({ picture, onScores }: HoverProps) {
  const [labels, setLabels] = useState<Int32Array>();
  const [region, setRegion] = useState<number>();
  const wanted = useRef<number>(undefined);
  const busy = useRef(false);
  const { width, height } = picture.image;

  useEffect(() => {
    setRegion(undefined);
    setLabels(undefined);
    let current = true;
    lab
      .segments(picture.id)
      .then((found) => current && setLabels(found))
      .catch(() => undefined);
    return () => {
      current = false;
    };
  }, [picture.id]);

  /** One question at a time; the last place pointed at is asked next. */
  const look = async () => {
    if (busy.current) return;
    busy.current = true;
    try {
      while (true) {
        const asked = wanted.current;
        const scores = asked === undefined ? undefined : await lab.without(picture.id, asked);
        onScores(scores);
        if (wanted.current === asked) return;
      }
    } catch {
      onScores(undefined);
    } finally {
      busy.current = false;
    }
  };
  const point = (next: number | undefined) => {
    if (next === wanted.current) return;
    wanted.current = next;
    setRegion(next);
    void look();
  };
  const at = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    const x = Math.min(width - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * width)));
    const y = Math.min(height - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * height)));
    return labels?.[y * width + x];
  };
  const count = labels ? Math.max(...labels) + 1 : 0;
  return (
    <div
      class="hover"
      tabIndex={0}
      role="slider"
      aria-label="Hide a region of the picture"
      aria-valuemin={0}
      aria-valuemax={Math.max(0, count - 1)}
      aria-valuenow={region ?? 0}
      aria-valuetext={region === undefined ? 'nothing hidden' : `region ${region} of ${count} hidden`}
      onPointerMove={(e) => point(at(e))}
      onPointerLeave={() => point(undefined)}
      onKeyDown={(e) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
        if (step && count) point(((region ?? -1) + step + count) % count);
        if (e.key === 'Escape') point(undefined);
      }}
      onBlur={() => point(undefined)}
    >
      <Picture
        image={labels && region !== undefined ? marked(picture.image, labels, region) : picture.image}
        label="The picture"
      />
    </div>
  );
}

/** Hatched where it is hidden. */
function marked(image: ImageData, labels: Int32Array, region: number): ImageData {
  const out = new ImageData(new Uint8ClampedArray(image.data), image.width, image.height);
  const period = Math.max(2, Math.round(image.width / 24));
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] !== region) continue;
    const stripe = (((i % image.width) + Math.floor(i / image.width)) / period) % 2 < 1;
    out.data.fill(stripe ? 60 : 200, 4 * i, 4 * i + 3);
  }
  return out;
}
