/**
 * Activation ascent: x <- x + step(d A(x) / d x), from noise or a picture, one Program run a step; the picture stays on
 * the device and only the objective's value is read back.
 */
import { grad } from '../autograd/grad.ts';
import { WgradError } from '../errors.ts';
import { input, Variable } from '../graph/leaves.ts';
import { withRole, type Tensor } from '../graph/tensor.ts';
import { checkPicture } from '../model/gate.ts';
import type { Model } from '../model/model.ts';
import { abortSignal, callback, finite, flag, floats, nonNegative, readOptions, required, whole } from '../options.ts';
import { assign } from '../ops/effects.ts';
import { sub } from '../ops/binary.ts';
import { shift2d } from '../ops/shift.ts';
import { affine } from '../ops/unary.ts';
import type { Program } from '../plan/program.ts';
import { Random } from '../random.ts';
import type { Objective } from './objective.ts';
import { normalizedAscent, type Ascent, type AscentOptimizer } from './optimizers.ts';
import { clampToPixels, noisyGrey, pixelSpace, toPixels, type PixelSpace } from './pixels.ts';
import { l2, totalVariation } from './regularizers.ts';

export interface AscendOptions {
  objective: Objective;
  steps?: number;
  optimizer?: AscentOptimizer;
  /** The picture to start from [C,H,W], in input space; default: noise around mid grey. */
  image?: Float32Array;
  /** Standard deviation of that noise, in pixel values of [0, 1]. */
  noise?: number;
  /** Of the noise and the jitter: the same seed gives the same bits on the same adapter. */
  seed?: number;
  /** The network sees the picture rolled by up to this many pixels each way, anew at each step. */
  jitter?: number;
  /** Weights of the penalties in regularizers.ts. */
  totalVariation?: number;
  l2?: number;
  /** Keep pixels in [0, 1]; it has no effect where the model does not say what its pixels are. */
  clamp?: boolean;
  signal?: AbortSignal;
}

/** With the defaults. */
export const ascendOptions = {
  objective: required(callback<Objective>('what is raised: channel(), neuron(), logit()')),
  steps: whole(256, 'steps of ascent'),
  optimizer: callback<AscentOptimizer>('how the picture climbs'),
  image: floats('the picture to start from'),
  noise: nonNegative(0.05, 'standard deviation of the noise that it starts from'),
  seed: finite(0, 'of the noise and the jitter'),
  jitter: whole(8, 'the picture is rolled by up to so many pixels at each step'),
  totalVariation: finite(0, 'weight of the total variation'),
  l2: finite(0, 'weight of the distance from grey'),
  clamp: flag(true, 'keep pixels in [0, 1]'),
  signal: abortSignal(),
};

export interface Frame {
  /** 0 is the start, before any step. */
  step: number;
  /** A(x) of this frame's picture as jittered, without penalties. */
  objective: number;
  /**
   * The picture [C,H,W] in input space. Ask before the next frame; the last frame's stays.
   * @throws WgradError 'disposed' when it is gone.
   */
  image(): Promise<Float32Array>;
}

/**
 * Draws what raises `objective`: yields steps + 1 frames, the start first. Leaving the loop frees everything.
 * @throws WgradError 'unknown-name', 'shape', 'not-finite', 'invalid-argument'; the signal's reason when aborted.
 */
export async function* ascend(model: Model, options: AscendOptions): AsyncGenerator<Frame, void, void> {
  const resolved = readOptions('ascend', ascendOptions, { ...options });
  const { steps, noise, seed, jitter, clamp, image, signal, optimizer, ...aim } = resolved;
  if (image) checkPicture(image, model.pictureShape, 'ascend: the image');
  const space = pixelSpace(model);
  const random = new Random(seed);
  const start = image ?? noisyGrey(space, random.fork('image'), noise);
  const offsets = random.fork('jitter');
  const climb = await compile(model, space, start, {
    ...aim,
    optimizer: optimizer ?? normalizedAscent(),
    clamp: clamp && space.known,
    signal,
  });
  let current = 0;
  try {
    for (let step = 0; step <= steps; step++) {
      signal?.throwIfAborted();
      const offset = Int32Array.of(offsets.int(2 * jitter + 1) - jitter, offsets.int(2 * jitter + 1) - jitter);
      const feeds = { ...climb.ascent.feeds(step + 1), jitter: offset };
      const { objective } = await climb.program.run(feeds, { signal });
      const value = objective[0]!;
      if (!Number.isFinite(value)) {
        throw new WgradError('not-finite', `ascend: the objective is ${value} at step ${step}`, {
          remedy: 'Take a smaller learning rate',
        });
      }
      current = step;
      const last = step === steps ? await model.engine.read(climb.shown, { signal }) : undefined;
      const image = async () => {
        if (last) return last.slice();
        if (current === step) return model.engine.read(climb.shown);
        throw new WgradError('disposed', `ascend: the picture of step ${step} is gone; it is step ${current}`, {
          remedy: 'Await image() before the next frame',
        });
      };
      yield { step, objective: value, image };
    }
  } finally {
    current = Infinity;
    climb.dispose();
  }
}

interface Climb {
  program: Program<'objective'>;
  ascent: Ascent;
  /** The picture that the last run evaluated. */
  shown: Variable;
  dispose(): void;
}

type CompileOptions = Required<Pick<AscendOptions, 'objective' | 'optimizer' | 'totalVariation' | 'l2' | 'clamp'>> &
  Pick<AscendOptions, 'signal'>;

async function compile(model: Model, space: PixelSpace, start: Float32Array, options: CompileOptions): Promise<Climb> {
  const shape = [1, ...space.shape];
  const image = new Variable('image', shape, start);
  const shown = new Variable('shown', shape, start);
  const x = image.tensor;
  const graph = model.graph({ input: shift2d(x, input('jitter', [2], 'i32')) });
  const objective = options.objective(graph, model);
  const [gradient] = grad(penalized(objective, toPixels(x, space), options), [x]);
  const { engine } = model;
  const ascent = withRole('update', () => options.optimizer(x, gradient!, space));
  // The run evaluates the picture and then moves it; `shown`, first in the list, keeps what was evaluated.
  const updates = withRole('update', () => [
    assign(shown, x),
    ...ascent.updates,
    assign(image, options.clamp ? clampToPixels(ascent.next, space) : ascent.next),
  ]);
  const program = await engine.compile({ outputs: { objective }, updates }, { signal: options.signal });
  return {
    program,
    ascent,
    shown,
    dispose() {
      program.dispose();
      engine.release([image, shown, ...ascent.state]);
    },
  };
}

function penalized(objective: Tensor, pixels: Tensor, weights: { totalVariation: number; l2: number }): Tensor {
  let total = objective;
  if (weights.totalVariation !== 0) total = sub(total, affine(totalVariation(pixels), weights.totalVariation));
  if (weights.l2 !== 0) total = sub(total, affine(l2(pixels), weights.l2));
  return total;
}
