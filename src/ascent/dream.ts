/**
 * Deep dream on a photograph of any size (Mordvintsev, Olah, Tyka 2015): from a small copy of it to the full size, in
 * octaves; what the smaller one gained is enlarged and added to the next one. Each step climbs along the gradient of all
 * of the picture, taken tile by tile at a random offset (round the edges), so that no seams stay and memory does not grow
 * with the picture:
 *
 *   p <- clip(p + rate g / mean|g|)
 */
import { grad } from '../autograd/grad.ts';
import { WgradError } from '../errors.ts';
import { input } from '../graph/leaves.ts';
import { resizePlanes } from '../image/resize.ts';
import type { Planes } from '../image/image.ts';
import type { Model } from '../model/model.ts';
import { abortSignal, count, custom, finite, positive, readOptions, required, whole } from '../options.ts';
import { sum } from '../ops/reduce.ts';
import { broadcastTo } from '../ops/broadcast.ts';
import { Random } from '../random.ts';
import type { Objective } from './objectives/objective.ts';
import { pixelSpace, toInput } from './picture/space.ts';
import { sceneOf } from './scene.ts';

/** Options of {@link deepDream}. */
export interface DreamOptions {
  /** What each tile raises, such as `layer('layer3')`. */
  objective: Objective;
  /** Sizes in all, of which the last is the picture's; those smaller than a tile are left out; default 4. */
  octaves?: number;
  /** From one octave to the next; default 1.4. */
  scale?: number;
  /** Steps of each octave; default 10. */
  steps?: number;
  /** Mean change of a pixel value (of 0 to 1) in a step; default 0.006. */
  rate?: number;
  /** Largest side of a tile, pixels; default: the model's picture. */
  tile?: number;
  /** Tiles in one run; default 4. */
  batch?: number;
  /** Of the offsets; default 0. */
  seed?: number;
  signal?: AbortSignal;
}

const table = {
  objective: required(custom<Objective>('what each tile raises', "an objective such as layer('layer3')", (v) => typeof (v as Objective | undefined)?.build === 'function')), // prettier-ignore
  octaves: count(4, 'sizes from small to full'),
  scale: custom<number>('from one octave to the next', 'a number above 1', (v) => typeof v === 'number' && v > 1 && Number.isFinite(v)), // prettier-ignore
  steps: whole(10, 'steps of each octave'),
  rate: positive(0.006, 'mean change of a pixel value in a step'),
  tile: count(undefined, 'largest side of a tile, pixels'),
  batch: count(4, 'tiles in one run'),
  seed: finite(0, 'of the offsets'),
  signal: abortSignal(),
};

/** How far a dream is. */
export interface DreamFrame {
  /** From 1. */
  octave: number;
  octaves: number;
  /** Of this octave, from 0: its start. */
  step: number;
  /** Mean over the tiles, before this step. */
  objective: number;
  /** The picture so far, of this octave's size: pixel values [C,H,W]. */
  picture: Planes;
}

/**
 * Frames: the start of each octave and its steps. Stop by leaving the loop; the last frame's picture is what there is.
 * @param photo pixel values of 0 to 1, of any size of at least 2 x 2.
 * @throws WgradError 'invalid-argument'; 'unknown-name'; 'shape' where the network cannot take a tile; 'not-finite';
 *   'dead-unit' where the objective has no gradient; the signal's reason.
 */
export async function* deepDream(
  model: Model,
  photo: Planes,
  options: DreamOptions,
): AsyncGenerator<DreamFrame, void, void> {
  const { scale = 1.4, ...o } = readOptions('deepDream', table, { ...options });
  const [channels, height, width] = model.pictureShape;
  if (photo.channels !== channels || photo.width < 2 || photo.height < 2) {
    throw new WgradError('shape', `deepDream: a photograph of ${photo.channels} x ${photo.height} x ${photo.width}`, {
      remedy: `Give ${channels} channels of at least 2 x 2 pixels`,
    });
  }
  if (!photo.data.every(Number.isFinite)) throw new WgradError('not-finite', 'deepDream: the photograph is not finite');
  for (const name of o.objective.layers) model.network.resolve(name);
  const side = o.tile ?? Math.min(height, width);
  const tile = [Math.min(side, photo.height), Math.min(side, photo.width)] as const;
  const sizes = Array.from({ length: o.octaves }, (_, k) => scale ** (k + 1 - o.octaves))
    .map((f) => [Math.round(photo.height * f), Math.round(photo.width * f)] as const)
    .filter(([h, w], k) => k === o.octaves - 1 || (h >= tile[0] && w >= tile[1]));
  const slope = await tileGradient(model, o.objective, tile, o.batch, o.signal);
  const random = new Random(`${o.seed} offsets`);
  let gained: Planes | undefined;
  try {
    for (const [k, [h, w]] of sizes.entries()) {
      const base = resizePlanes(photo, w, h);
      const more = gained && resizePlanes(gained, w, h);
      const data = base.data.map((v, i) => clip(v + (more?.data[i] ?? 0)));
      const picture: Planes = { width: w, height: h, channels, data };
      const frame = (step: number, objective: number): DreamFrame => ({
        ...{ octave: k + 1, octaves: sizes.length, step, objective },
        picture: { ...picture, data: data.slice() },
      });
      for (let step = 0; step < o.steps; step++) {
        o.signal?.throwIfAborted();
        const { gradient, objective } = await slope.of(picture, [random.int(h), random.int(w)]);
        if (step === 0) yield frame(0, objective);
        const mean = gradient.reduce((s, g) => s + Math.abs(g), 0) / gradient.length;
        requireSlope(mean, o.objective.name);
        gradient.forEach((g, i) => (data[i] = clip(data[i]! + (o.rate * g) / mean)));
        yield frame(step + 1, objective);
      }
      if (o.steps === 0) yield frame(0, NaN);
      gained = { ...picture, data: data.map((v, i) => v - base.data[i]!) };
    }
  } finally {
    slope.dispose();
  }
}

const clip = (v: number) => Math.min(1, Math.max(0, v));

function requireSlope(mean: number, name: string): void {
  if (!Number.isFinite(mean)) throw new WgradError('not-finite', `deepDream: the gradient of ${name} is ${mean}`);
  if (mean === 0) {
    throw new WgradError('dead-unit', `deepDream: nothing raises ${name} in this photograph`, {
      remedy: 'Take another layer or unit, or another photograph',
    });
  }
}

/** The gradient of a picture, tile by tile. */
async function tileGradient(
  model: Model,
  objective: Objective,
  [th, tw]: readonly [number, number],
  batch: number,
  signal: AbortSignal | undefined,
) {
  const channels = model.pictureShape[0];
  const pixels = input('tiles', [batch, channels, th, tw]);
  const seen = toInput(pixels, pixelSpace(model));
  const scene = sceneOf(model, model.graph({ input: seen }), { pixels, input: seen });
  const score = broadcastTo(objective.build(scene), [batch]);
  const [gradient] = grad(sum(score), [pixels]);
  const program = await model.engine.compile({ outputs: { score, gradient: gradient! } }, { signal });
  const size = channels * th * tw;
  /** Calls `use` with the places of a tile's values in the picture, and in the tile. */
  const places = (
    { width, height }: Planes,
    [y0, x0]: readonly [number, number],
    use: (at: number, i: number) => void,
  ) => {
    for (let i = 0; i < size; i++) {
      const [c, y, x] = [Math.floor(i / (th * tw)), Math.floor(i / tw) % th, i % tw];
      use((c * height + ((y0 + y) % height)) * width + ((x0 + x) % width), i);
    }
  };
  return {
    dispose: () => program.dispose(),
    async of(picture: Planes, [dy, dx]: readonly [number, number]) {
      const { width, height, data } = picture;
      const starts = (extent: number, tile: number) => {
        const n = Math.ceil(extent / tile);
        return Array.from({ length: n }, (_, i) => Math.floor((i * extent) / n));
      };
      const tiles = starts(height, th).flatMap((y) => starts(width, tw).map((x) => [y + dy, x + dx] as const));
      const [total, times] = [new Float32Array(data.length), new Float32Array(data.length)];
      let objective = 0;
      for (let at = 0; at < tiles.length; at += batch) {
        const some = tiles.slice(at, at + batch);
        const values = new Float32Array(batch * size);
        some.forEach((tile, t) => places(picture, tile, (p, i) => (values[t * size + i] = data[p]!)));
        const out = await program.run({ tiles: values }, { signal });
        some.forEach((tile, t) => {
          objective += out.score[t]! / tiles.length;
          places(picture, tile, (p, i) => {
            total[p]! += out.gradient[t * size + i]!;
            times[p]! += 1;
          });
        });
      }
      return { gradient: total.map((g, i) => g / times[i]!), objective };
    },
  };
}
