/**
 * What is measured, as data: a case says what is to be computed, contestants compute it, each in its own way. Nothing here
 * or beside it is of Node's: a page imports the same files.
 */

export const suites = ['micro', 'model', 'train', 'startup', 'overhead', 'memory', 'explain'] as const;
export type Suite = (typeof suites)[number];

export type ConvolutionPass = 'forward' | 'input gradient' | 'weight gradient';

export interface ConvolutionTask {
  kind: 'convolution';
  pass: ConvolutionPass;
  batch: number;
  channels: number;
  filters: number;
  kernel: number;
  stride: number;
  side: number;
}

/** Of [batch, channels, side, side]. */
export interface PictureTask {
  kind: 'batch-norm' | 'max-pool';
  /** Of batch-norm: with the batch's statistics; backward gives the gradients of x, weight and bias. */
  pass: 'forward' | 'backward';
  batch: number;
  channels: number;
  side: number;
}

export interface MatmulTask {
  kind: 'matmul';
  size: number;
}

export interface ReductionTask {
  kind: 'reduction';
  /** Axes of [batch, channels, side, side] that are added up. */
  axes: readonly number[];
  batch: number;
  channels: number;
  side: number;
}

/** The gradient of the mean cross-entropy of softmax with respect to the logits. */
export interface CrossEntropyTask {
  kind: 'cross-entropy';
  batch: number;
  classes: number;
}

/** Of the run's network. */
export interface NetworkTask {
  kind: 'inference' | 'saliency' | 'integrated-gradients';
  batch: number;
}

/** A step of SGD with momentum; frozen BatchNorm keeps its statistics. */
export interface StepTask {
  kind: 'step';
  /** Layers by name; empty: all. */
  unfrozen: readonly string[];
  batch: number;
}

/** From a model file in memory to the first logits. */
export interface StartupTask {
  kind: 'startup';
}

/** A chain of additions to a small tensor: what a dispatch costs the host. */
export interface DispatchTask {
  kind: 'dispatches';
  count: number;
}

/** Bytes that a use of the network needs. */
export interface MemoryTask {
  kind: 'memory';
  use: 'inference' | 'saliency' | 'step';
  batch: number;
}

/** Steps of an ascent from noise, beside a forward pass of the same batch. */
export interface AscentTask {
  kind: 'ascent';
  batch: number;
}

/** Methods of many masks, and as many forward passes. */
export interface ExplainTask {
  kind: 'explain';
  /** The run's network, or a small one that is done sooner. */
  network: 'whole' | 'small';
  masks: number;
  batch: number;
}

export type Task =
  | ConvolutionTask
  | PictureTask
  | MatmulTask
  | ReductionTask
  | CrossEntropyTask
  | NetworkTask
  | StepTask
  | StartupTask
  | DispatchTask
  | MemoryTask
  | AscentTask
  | ExplainTask;

export interface Case {
  suite: Suite;
  /** Never the same for two cases of a suite. */
  name: string;
  /** What means are taken over: 'forward', 'weight gradient', 'inference'. */
  group: string;
  shape: string;
  task: Task;
  /** Multiply-adds count two, of the direct form; 0 where they do not matter, undefined where the contestant counts them. */
  flops?: number;
  /** What must be read and written at least, each once. */
  bytes?: number;
  /** Operations of a run, about and for ResNet-50, where they are not the flops: what a time limit reckons with. */
  work?: number;
  /** Part of `--quick`, of the older `bench:smoke`, and of what `bench/results` keeps. */
  quick?: boolean;
  smoke?: boolean;
  record?: boolean;
}

export const idOf = (c: Pick<Case, 'suite' | 'name'>): string => `${c.suite}/${c.name}`;

/** The network that models, steps and startups are of. */
export interface NetworkSource {
  name: string;
  /** An ONNX file. */
  bytes: Uint8Array;
  side: number;
  classes: number;
  /** Standard deviation of a photograph's values behind the network's preprocessing. */
  spread: number;
  /** SHA-256 of the bytes, hexadecimal. */
  sha256: string;
}

/** One contestant's way to do a case, ready to run: operands are on the device. */
export interface Entry {
  /**
   * Once, to results read back. Its calls are made before it returns: how long that takes is the encode time.
   * @returns times of its parts in milliseconds, where it has parts.
   */
  run(): Promise<Readonly<Record<string, number>> | void>;
  /** What it computed, row-major in PyTorch's shapes, to be compared; asked for once, when it has run. */
  outputs?(): Promise<Readonly<Record<string, Float32Array>>>;
  /** Counts that belong to it: dispatches, planned bytes. */
  figures?(): Readonly<Record<string, number>>;
  /** Milliseconds by the device's own clock, by what the dispatches are for; undefined where it has none. */
  gpu?(): Promise<Readonly<Record<string, number>> | undefined>;
  dispose(): void;
}

export interface Contestant {
  name: string;
  version: string;
  /** What it says that it runs on: asked of it, not assumed. */
  backend: string;
  /** Why it is not on the same adapter, where it is not: such figures are context. */
  context?: string;
  /** Its own queue, to learn when the device is done. */
  queue?: GPUQueue | undefined;
  /** Before its turn, outside of all times: several backends of one library. */
  activate?(): Promise<void>;
  /** Undefined: it has no way to do that. */
  enter(task: Task): Promise<Entry> | undefined;
  /** @throws Error where it has left the backend that it claims. */
  check?(): void;
  dispose(): void;
}
