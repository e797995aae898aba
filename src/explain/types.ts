/** What goes into an explanation and what comes out of it. */
import type { Tensor } from '../graph/tensor.ts';
import type { Model, ModelGraph } from '../model/model.ts';
import type { ClassTarget } from '../model/target.ts';
import type { OptionTable, ResolvedOptions } from '../options.ts';
import type { Feeds } from '../plan/program.ts';
import type { ChannelReduction } from './channels.ts';
import type { Score } from './score.ts';

/**
 * What is explained: a class; a unit of the graph as text, `layer3.5[:,7]` (summed where several elements are left);
 * or a function of the graph that gives one score a picture, [N].
 */
export type Target = ClassTarget | ((graph: ModelGraph) => Tensor);

/** Several maps of one picture: of these targets, or of the classes with the highest scores. */
export type Targets = readonly Target[] | { readonly top: number };

/** How far a method has come. */
export interface Progress {
  /** Units of the method's own work, such as gradients or masks: so far, and in all. */
  done: number;
  total: number;
}

/** What to explain, and how the run is watched and stopped. */
export interface RunOptions {
  /** Default: the class with the highest logit. Ignored by methods that explain all classes at once. */
  target?: Target | undefined;
  signal?: AbortSignal | undefined;
  /** Told as the method goes on. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** The map so far, from methods that add many passes up; called at most a few times a second. */
  onPartial?: ((partial: Pick<Attribution, 'map' | 'shape'>) => void) | undefined;
}

/** How far a map is from adding up to f(x) - f(baseline), which exact path integrals and DeepLIFT do. */
export interface Completeness {
  kind: 'completeness';
  /** Sum of the map; where it has regions, of their values. */
  sum: number;
  /** f(x) - f(baseline). */
  difference: number;
  /** sum - difference */
  gap: number;
  /** |gap| / |difference| */
  relativeGap: number;
}

/** Of maps that are means over random samples. */
export interface StandardError {
  kind: 'standard-error';
  samples: number;
  /** Root mean square of the values' standard errors over that of the values. */
  relative: number;
}

/** Of maps that are the weights of a surrogate model. */
export interface SurrogateFit {
  kind: 'surrogate-fit';
  /** Weighted R^2 of the surrogate on its own samples. */
  r2: number;
}

/** The method promises nothing that could be measured. */
export interface NoError {
  kind: 'none';
  reason: string;
}

/** How far to trust a map: the figure that its method can give of itself. */
export type MapError = Completeness | StandardError | SurrogateFit | NoError;

/** Values of whole regions of the picture, for methods that hide and show regions. */
export interface Regions {
  /** Region of each pixel, [H,W], from 0. */
  labels: Int32Array;
  /** One value a region. */
  values: Float64Array;
  /** The surrogate's score with everything hidden, where there is a surrogate. */
  intercept?: number;
  /** What the surrogate gives for the whole picture, beside the score. */
  prediction?: number;
  /** What each two regions do together, [regions, regions]. */
  interactions?: Float64Array;
}

/** A map, what it is of, and how far it can be trusted. */
export interface Attribution {
  method: string;
  /** Signed; row-major in `shape`. */
  map: Float32Array;
  /** [C,H,W] of the picture, [1,H,W] where the method does not tell channels apart, or [1,h,w] of a layer. */
  shape: [number, number, number];
  /** A layer's map brought to the picture's size: [1,H,W], bilinear, half-pixel centres. */
  upsampled?: Float32Array;
  /** Index of the class explained; null where it was no single class. */
  target: number | null;
  /** The class's label, or the unit as it was written. */
  label?: string;
  /** f(x): the value explained. */
  score: number;
  error: MapError;
  regions?: Regions;
}

/** The part of an {@link Attribution} that a method makes. */
export type MethodResult = Omit<Attribution, 'method' | 'target' | 'label'>;

export interface MethodRun extends Omit<RunOptions, 'target'> {
  /** One picture [C,H,W]. */
  pixels: Float32Array;
  /** The value explained is the sum over outputs k of weights_k * outputs_k of {@link ScoreGraph}. */
  weights: Float32Array;
  /** What the score's graph needs at a run: the same weights, for {@link ScoreGraph.scores}. */
  feeds: Feeds;
}

/** A method compiled for one model and score: every class goes through the same programs. */
export interface CompiledMethod {
  run(request: MethodRun): Promise<MethodResult>;
  /** Several targets from the same passes, where all of a network's outputs come back from each: one result each. */
  runEach?(request: MethodRun, weights: readonly Float32Array[]): Promise<MethodResult[]>;
  dispose(): void;
}

/** What a run costs, in passes of one picture. A gradient counts its own forward pass. */
export interface Cost {
  forwards?: number;
  gradients?: number;
}

/** Which values of a map a figure draws. */
export type Sign = 'all' | 'positive' | 'negative' | 'absolute';

/** How a map is best drawn, where its figure's options do not say. */
export interface Display {
  sign: Sign;
  /** From the values of a pixel's channels to one. */
  reduce: ChannelReduction;
}

/** Of maps whose sign says how the score moves with a pixel, not whether the pixel speaks for it. */
export const sensitivity: Display = { sign: 'absolute', reduce: 'abs-max' };

/** One attribution method: a file that says what it is, what can be chosen, what it costs, and how it is compiled. */
export interface Method<S extends OptionTable = OptionTable> {
  /** One line for `--help` and for pages: what the map shows. */
  summary: string;
  /** Known weakness that whoever reads the map should know of; goes below the summary. */
  caution?: string;
  /** Default: the sum over the channels; all values where some are negative, else the positive ones. */
  display?: Display;
  /** Every option that it knows. */
  options: S;
  /** 'all': explains the sum over the classes, without choosing one. */
  target: 'one' | 'all';
  /**
   * Its cost for these options, in forward passes of one picture.
   * @param size values of one picture.
   */
  cost(options: ResolvedOptions<S>, size: number): Cost;
  /**
   * Builds what runs: programs of the engine, made once for a target.
   * @param control its signal goes to every `engine.compile`.
   */
  compile(
    model: Model,
    score: Score,
    options: ResolvedOptions<S>,
    control: { signal?: AbortSignal | undefined },
  ): Promise<CompiledMethod>;
}

/** Keeps the option table's type where a method is written as a literal. */
export const defineMethod = <const S extends OptionTable>(method: Method<S>): Method<S> => method;
