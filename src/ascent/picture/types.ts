/** What a parametrisation is: the numbers that are climbed on, and the pictures that they stand for. */
import type { Variable } from '../../graph/leaves.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Feeds } from '../../plan/program.ts';
import type { Random } from '../../random.ts';
import type { Optimizer } from '../../train/optimizers.ts';
import type { GradientModifier } from '../gradient.ts';
import type { PixelSpace } from './space.ts';

/** What a parametrisation is asked for. */
export interface PictureRequest {
  /** [N,C,H,W] */
  shape: readonly [number, number, number, number];
  space: PixelSpace;
  /** One for each picture, so that a picture does not depend on how many are drawn beside it. */
  randoms: readonly Random[];
  /** Pictures to start from, pixel values [N,C,H,W]; default: noise. */
  start: Float32Array | undefined;
}

/** What a parametrisation builds: its parameters and the picture they make. */
export interface DrawnPicture {
  /** What the optimiser moves; what belongs to one picture has N as its first extent. */
  variables: readonly Variable[];
  /** Pixel values [N,C,H,W]: 0 to 1, unless the parametrisation knows no bounds. */
  pixels: Tensor;
  /** The same in the network's units, where the parametrisation has them as they are. */
  input?: Tensor;
  /** Opacity [N,1,H,W], where there is one; the network sees the pixels over a background. */
  alpha?: Tensor;
  /** What the network sees where that is not `pixels`. */
  seen?: Tensor;
  /** Effects after the optimiser's. */
  project?(): Tensor[];
  /** Numbers of one run. */
  draw?(random: Random): Feeds;
}

/** Parameters in, picture [N,C,H,W] out; one object of `fourier()`, `pixels()`, `inputSpace()`. */
export interface Parametrization {
  readonly name: string;
  /** The graph from parameters to pixels, for so many pictures at once. */
  build(request: PictureRequest): DrawnPicture;
  /** How it climbs unless told otherwise. */
  climb(request: Pick<PictureRequest, 'shape' | 'space'>): Climb;
}

/** How a parametrisation climbs: its optimiser, and what the gradient goes through first. */
export interface Climb {
  optimizer: Optimizer;
  gradient: readonly GradientModifier[];
}

/** Values for a variable [N,...] of which each picture draws its own part. */
export function drawn(request: PictureRequest, size: number, value: (random: Random) => number): Float32Array {
  const values = new Float32Array(request.shape[0] * size);
  request.randoms.forEach((random, n) => {
    for (let i = 0; i < size; i++) values[n * size + i] = value(random);
  });
  return values;
}
