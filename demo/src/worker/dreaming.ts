/** Drawing what units respond to, frame by frame: from noise, or into a photograph; and a sheet of many. */
import {
  ascend,
  channel,
  deepDream,
  fourier,
  layer,
  logit,
  totalVariation,
  type Objective,
} from '../../../src/ascent/index.ts';
import { decodeImage, toImageData } from '../../../src/browser/index.ts';
import { encodeApng } from './apng.ts';
import type { Image, Planes } from '../../../src/image/image.ts';
import { toImage } from '../../../src/image/preprocess.ts';
import { plainPixels } from '../../../src/image/preprocess_spec.ts';
import { resizePlanes } from '../../../src/image/resize.ts';
import { imageOf } from '../../../src/model/image_space.ts';
import { withoutAlpha, type Session } from './session.ts';

/** What is raised: one channel of a layer, all of it, or a class. */
export type Unit =
  | { kind: 'channel'; layer: string; index: number; weight: number }
  | { kind: 'layer'; layer: string; weight: number }
  | { kind: 'class'; index: number; weight: number };

export interface Dream {
  units: readonly Unit[];
  steps: number;
  seed: number;
  /** Of the optimiser; default: its own. */
  rate?: number | undefined;
  /** Weight of the total variation that is taken away. */
  smoothness: number;
}

export interface PhotoDream extends Pick<Dream, 'units' | 'steps' | 'seed'> {
  octaves: number;
}

export interface DreamFrame {
  step: number;
  steps: number;
  objective: number;
  image: ImageData;
}

export interface SheetCell {
  unit: number;
  objective: number;
  image: ImageData;
}

/** Frames that a page can show a second; more only cost readbacks. */
const FRAMES_PER_SECOND = 12;
/** Pictures below this side, pixels. */
const SMALL = 128;
/** Of a photograph that is dreamt on, pixels: the time grows with its area. */
const LARGEST = 512;

const objectiveOf = (unit: Unit): Objective => {
  if (unit.kind === 'class') return logit(unit.index);
  return unit.kind === 'layer' ? layer(unit.layer) : channel(unit.layer, unit.index);
};

const sumOf = (units: readonly Unit[]): Objective =>
  units.map((unit) => objectiveOf(unit).times(unit.weight)).reduce((sum, next) => sum.plus(next));

export class Dreaming {
  constructor(private readonly session: Session) {}

  async run(dream: Dream, signal: AbortSignal, tell: (frame: DreamFrame) => void): Promise<void> {
    const { units, steps, seed, rate, smoothness } = dream;
    let objective = sumOf(units);
    if (smoothness > 0) objective = objective.minus(totalVariation().times(smoothness));
    const due = clock();
    const options = { objective, steps, seed, signal, picture: this.space, ...(rate !== undefined && { lr: rate }) };
    for await (const frame of ascend(this.session.current, options)) {
      if (frame.step < steps && !due()) continue;
      tell({ step: frame.step, steps, objective: frame.objective, image: this.picture(await frame.image()) });
    }
  }

  /** Each frame has the size of the whole, whatever its octave. */
  async onPhoto(
    source: Blob | ImageData,
    { units, steps, seed, octaves }: PhotoDream,
    signal: AbortSignal,
    tell: (frame: DreamFrame) => void,
  ): Promise<void> {
    const model = this.session.current;
    const image = source instanceof Blob ? await decodeImage(source) : withoutAlpha(source);
    const photo = planesOf(image, model.pictureShape[0]);
    const each = Math.max(1, Math.round(steps / octaves));
    const due = clock();
    for await (const frame of deepDream(model, photo, {
      objective: sumOf(units),
      octaves,
      steps: each,
      seed,
      signal,
    })) {
      const all = each * frame.octaves;
      const step = (frame.octave - 1) * each + frame.step;
      if (step < all && !due()) continue;
      const { channels, data } = resizePlanes(frame.picture, photo.width, photo.height);
      const shown = toImage(data, photo, plainPixels(channels));
      tell({ step, steps: all, objective: frame.objective, image: toImageData(shown) });
    }
  }

  /** Units of a layer one after the other. */
  async sheet(
    name: string,
    units: readonly number[],
    steps: number,
    signal: AbortSignal,
    tell: (cell: SheetCell) => void,
  ): Promise<void> {
    for (const unit of units) {
      for await (const frame of ascend(this.session.current, {
        objective: channel(name, unit),
        steps,
        seed: 1,
        every: steps,
        picture: this.space,
        signal,
      })) {
        // prettier-ignore
        if (frame.step < steps) continue;
        tell({ unit, objective: frame.objective, image: this.picture(await frame.image()) });
      }
    }
  }

  animation(frames: readonly ImageData[], delay: number): Promise<Uint8Array> {
    return encodeApng(frames.map(withoutAlpha), delay);
  }

  /** Small pictures have no room for fine structure: what is coarse weighs more in them. */
  private get space() {
    const [, height, width] = this.session.current.pictureShape;
    return Math.min(height, width) < SMALL ? fourier({ decay: 1.5 }) : fourier();
  }

  private picture(values: Float32Array): ImageData {
    return toImageData(imageOf(this.session.current, values));
  }
}

/** Whether it is time for another frame. */
function clock(): () => boolean {
  let shown = -Infinity;
  return () => {
    const now = performance.now();
    if (now - shown < 1000 / FRAMES_PER_SECOND) return false;
    shown = now;
    return true;
  };
}

/** Values of 0 to 1, no larger than is dreamt on. */
function planesOf({ width, height, data }: Image, channels: number): Planes {
  const planes: Planes = {
    ...{ width, height, channels },
    data: Float32Array.from({ length: channels * width * height }, (_, i) => {
      const [plane, at] = [Math.floor(i / (width * height)), i % (width * height)];
      return data[3 * at + Math.min(plane, 2)]! / 255;
    }),
  };
  const scale = LARGEST / Math.max(width, height);
  return scale < 1 ? resizePlanes(planes, Math.round(width * scale), Math.round(height * scale)) : planes;
}
