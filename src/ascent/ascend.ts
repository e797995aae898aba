/**
 * Activation ascent: x* = argmax A(x), from noise or a picture. One Program run a step; the pictures stay on the device,
 * and nothing is read back but what a frame is asked for.
 */
import { WgradError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import {
  abortSignal,
  choice,
  count,
  custom,
  finite,
  floats,
  nonNegative,
  readOptions,
  required,
  whole,
} from '../options.ts';
import { isOptimizer, type Optimizer } from '../train/optimizers.ts';
import type { Transform } from '../transforms/index.ts';
import type { Rate } from './compile.ts';
import type { Drawing } from './drawing.ts';
import { gradientModifiers, type GradientModifier } from './gradient.ts';
import type { Objective } from './objectives/objective.ts';
import { pixelSpace, type PixelSpace } from './picture/space.ts';
import type { Parametrization } from './picture/types.ts';
import type { ReluRule } from './relu.ts';

/** Options of {@link ascend}. */
export interface AscendOptions {
  /** What is raised: one for all pictures, or a list with one for each. */
  objective: Objective | readonly Objective[];
  /** Pictures drawn at once; default: as many as there are objectives. */
  pictures?: number;
  /** Default 256. */
  steps?: number;
  /** How a picture is made of numbers; default {@link fourier}. */
  picture?: Parametrization;
  /** What is done to it before the network sees it, anew at each step; default Lucid's chain. */
  transforms?: readonly Transform[];
  /** Default: what the parametrisation asks for. */
  optimizer?: Optimizer;
  /** Learning rate; default: the optimiser's. */
  lr?: Rate;
  /** What is done to the gradient before the optimiser sees it; default: what the parametrisation asks for. */
  gradient?: readonly GradientModifier[];
  /** How gradients pass ReLUs; default 'plain'. */
  relu?: ReluRule;
  /** Steps in which pictures whose gradient is zero have their ReLUs redirected; default 16. */
  redirect?: number;
  /** Height and width; default: the model's. */
  size?: readonly [number, number];
  /** Pictures to start from, in the network's units: [C,H,W], or [N,C,H,W]; default: noise. */
  image?: Float32Array;
  /** Of noise and transforms: the same seed gives the same bits on the same adapter. Picture i has its own. */
  seed?: number;
  /** A frame for every so many steps, and for the last; default 1. */
  every?: number;
  /** Ends when no picture's score has risen for so many steps by the share `gain`; default: never. */
  patience?: number;
  /** Default 0.001. */
  gain?: number;
  signal?: AbortSignal;
}

const isObjective = (v: unknown): boolean => typeof (v as Objective | undefined)?.build === 'function';
const isList = (v: unknown, test: (e: unknown) => boolean) => Array.isArray(v) && v.length > 0 && v.every(test);
const isTransform = (t: unknown) => typeof (t as Transform | undefined)?.name === 'string';
const isSize = (v: unknown) =>
  isList(v, (d) => Number.isSafeInteger(d) && (d as number) > 0) && (v as number[]).length === 2;

/** With the defaults. */
export const ascendOptions = {
  objective: required(
    custom<AscendOptions['objective']>('what is raised', 'an objective such as channel(), or a list of them', (v) =>
      isObjective(v) || isList(v, isObjective),
    ),
  ),
  pictures: count(undefined, 'pictures drawn at once'),
  steps: whole(256, 'steps of ascent'),
  picture: custom<Parametrization>('how a picture is made', 'fourier(), pixels() or another', (v) => typeof (v as Parametrization).build === 'function'),
  transforms: custom<readonly Transform[]>('what the network sees of it', 'a list of transforms', (v) => Array.isArray(v) && v.every(isTransform)),
  optimizer: custom<Optimizer>('how it climbs', 'sgd(), adam(), adamw() or rmsprop()', isOptimizer),
  lr: custom<Rate>('learning rate', 'a number or a function of the step', (v) => typeof v === 'function' || Number.isFinite(v)),
  gradient: custom<readonly GradientModifier[]>('what is done to the gradient', `a list of ${gradientModifiers.join(', ')}`, (v) =>
    Array.isArray(v) && v.every((m) => gradientModifiers.includes(m as GradientModifier)),
  ),
  relu: choice(['plain', 'guided', 'rectified'], 'plain', 'how gradients pass ReLUs'),
  redirect: whole(16, 'steps in which dead units have their ReLUs redirected'),
  size: custom<readonly [number, number]>('height and width', 'two whole numbers of at least 1', isSize),
  image: floats('the pictures to start from'),
  seed: finite(0, 'of the noise and the transforms'),
  every: count(1, 'steps from one frame to the next'),
  patience: count(undefined, 'steps without a rise after which it ends'),
  gain: nonNegative(1e-3, 'share of the score that counts as a rise'),
  signal: abortSignal(),
}; // prettier-ignore

/** One step of an ascent, as it is told. */
export interface Frame {
  /** 0 is the start, before any step. */
  step: number;
  /** A(x) of the first picture as transformed. */
  objective: number;
  /** Of each picture. */
  objectives: Float32Array;
  /** Length of each picture's gradient. */
  gradients: Float32Array;
  /** Share of positions at which each picture's unit is not positive; NaN where the objective names no unit. */
  dead: Float32Array;
  /**
   * A picture in the network's units [C,H,W], as drawn, before transforms. Ask before the next frame; the last stays.
   * @throws WgradError 'disposed' when it is gone.
   */
  image(index?: number): Promise<Float32Array>;
  /** The same as pixel values; with opacity, [C+1,H,W]. */
  pixels(index?: number): Promise<Float32Array>;
}

/** The best picture of an ascent. */
export interface BestPicture {
  /** Pixel values [C,H,W], or [C+1,H,W] with opacity. */
  pixels: Float32Array;
  /** The same in the network's units [C,H,W]. */
  image: Float32Array;
  objective: number;
  step: number;
}

/** Frames, and the best pictures so far: also after an abort, an error, or leaving the loop. */
export interface Ascent extends AsyncGenerator<Frame, void, void> {
  /** Height and width of the pictures. */
  readonly size: readonly [number, number];
  /** The best picture so far, by the objective. @throws WgradError 'invalid-argument' before the first frame. */
  best(index?: number): Promise<BestPicture>;
}

/**
 * Draws what raises `objective`: frame 0 is the start, before any step. Leaving the loop frees everything.
 * @throws WgradError 'invalid-argument'. From the loop: 'unknown-name'; 'shape' for a size that the network cannot take;
 *   'not-differentiable' where the objective does not depend on the picture; 'dead-unit' where no picture has a gradient,
 *   ReLUs redirected or not; 'not-finite'; the signal's reason when aborted.
 */
export function ascend(model: Model, options: AscendOptions): Ascent {
  const o = readOptions('ascend', ascendOptions, { ...options });
  const objectives = (isObjective(o.objective) ? [o.objective] : o.objective) as readonly Objective[];
  const n = o.pictures ?? objectives.length;
  if (objectives.length > 1 && n !== objectives.length) {
    throw new WgradError('invalid-argument', `ascend: ${objectives.length} objectives for ${n} pictures`, {
      remedy: 'Give one for each picture, or one for all',
    });
  }
  const known = pixelSpace(model);
  const size = o.size ?? [known.shape[1], known.shape[2]];
  const space: PixelSpace = { ...known, shape: [known.shape[0], ...size] };
  // A page that never draws goes without what draws.
  let loaded: Promise<Drawing> | undefined;
  const drawing = () =>
    (loaded ??= import('./drawing.ts').then(({ Drawing }) => new Drawing(model, objectives, n, space, o)));
  async function* frames() {
    yield* (await drawing()).frames();
  }
  return Object.assign(frames(), { size, best: async (index = 0) => (await drawing()).bestOf(index) });
}
