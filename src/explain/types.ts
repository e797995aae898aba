/** What goes into an explanation and what comes out of it; the defaults of every option in one table. */
import type { Model } from '../model/model.ts';
import type { Target } from '../model/target.ts';
import type { MethodName } from './methods.ts';

export interface Progress {
  /** Gradients taken so far, and in all. */
  done: number;
  total: number;
}

/** Options that are compiled into an {@link Explainer}. */
export interface MethodOptions {
  /** Grad-CAM: layer, node or value whose activations are weighted. Default: the last stage before global pooling. */
  layer?: string;
  /** Grad-CAM: keep only what speaks for the target. */
  relu?: boolean;
  /** Integrated gradients: number of Gauss-Legendre nodes. */
  steps?: number;
  /** Integrated gradients: the picture [C,H,W] in input space that stands for 'nothing'. Default: zeros. */
  baseline?: Float32Array;
  /** SmoothGrad: number of noisy copies. */
  samples?: number;
  /** SmoothGrad: standard deviation of the noise as a share of the picture's range max(x) - min(x). */
  sigma?: number;
  /** SmoothGrad: noise [samples,C,H,W] in input space, in place of samples, sigma and seed. */
  noise?: Float32Array;
  /** SmoothGrad: mean of the squared gradients (SmoothGrad-squared). */
  squared?: boolean;
  seed?: number;
  /** Largest number of pictures in one run of the methods that take many gradients. */
  batch?: number;
}

export const defaults = {
  relu: true,
  steps: 50,
  samples: 25,
  sigma: 0.15,
  squared: false,
  seed: 0,
  batch: 4,
} as const satisfies MethodOptions;

export interface RunOptions {
  /** Default: the class with the highest logit. Ignored by sum-of-outputs. */
  target?: Target;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface ExplainOptions extends MethodOptions, RunOptions {
  method: MethodName;
}

/** How far a map is from adding up to f(x) - f(baseline), which exact path integrals do. */
export interface Completeness {
  /** Sum of the map. */
  sum: number;
  /** f(x) - f(baseline). */
  difference: number;
  /** sum - difference */
  gap: number;
  /** |gap| / |difference| */
  relativeGap: number;
}

export interface Attribution {
  method: MethodName;
  /** Signed; row-major in `shape`. */
  map: Float32Array;
  /** [C,H,W] of the picture, or [1,h,w] of a layer. */
  shape: [number, number, number];
  /** A layer's map brought to the picture's size: [1,H,W], bilinear, half-pixel centres. */
  upsampled?: Float32Array;
  /** Index of the class explained; null where the sum over all classes was. */
  target: number | null;
  label?: string;
  /** f(x): the target's logit, or the sum of the logits. */
  score: number;
  completeness?: Completeness;
}

/** The part of an {@link Attribution} that a method makes. */
export type MethodResult = Pick<Attribution, 'map' | 'shape' | 'upsampled' | 'score' | 'completeness'>;

export interface MethodRun {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** A method compiled for one model: every target goes through the same programs. */
export interface CompiledMethod {
  /** @param classWeights f = sum over classes of weight * logit: one-hot for a target, ones for the sum. */
  run(pixels: Float32Array, classWeights: Float32Array, run: MethodRun): Promise<MethodResult>;
  dispose(): void;
}

export interface Method {
  /** One line for `--help` and for pages. */
  summary: string;
  /** 'all': explains the sum over the classes, without choosing one. */
  target: 'one' | 'all';
  compile(model: Model, options: MethodOptions): Promise<CompiledMethod>;
}
