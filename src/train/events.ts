/**
 * What `fit` tells while it trains: plain data, and what can be asked for at that moment. Between two events nothing
 * runs: parameters read at an event (`model.state()`) are those of after that step.
 */
import type { Evaluation } from './evaluate.ts';

/** Once, before the first step. */
export interface StartEvent {
  type: 'start';
  epochs: number;
  /** Steps of one epoch, and of the whole training. */
  perEpoch: number;
  steps: number;
  /** Pictures trained on in one epoch. */
  pictures: number;
  /** Pictures of the dataset that each epoch leaves out, others each time; 0 unless BatchNorm uses the batch's statistics. */
  left: number;
  /** Names of the parameters that are trained. */
  trained: readonly string[];
  /** Where a checkpoint was taken up: steps done, and epochs that are over. */
  resumed?: { step: number; epoch: number };
  /** What is kept of the frozen part's work; undefined where nothing is. */
  cache?: {
    /** Names of the values at the frontier of what is frozen. */
    values: readonly string[];
    /** Bytes of one picture's values. */
    bytes: number;
    /** Pictures, held-out ones included, and how many of them there is room for. */
    pictures: number;
    room: number;
  };
}

/** Parameters were unfrozen: from this epoch on they are trained too. */
export interface UnfreezeEvent {
  type: 'unfreeze';
  epoch: number;
  /** Names of the parameters that joined. */
  joined: readonly string[];
}

/** A checkpoint was written. */
export interface CheckpointEvent {
  type: 'checkpoint';
  epoch: number;
  step: number;
  bytes: number;
}

/** The device was lost and replaced: the training goes on from its last snapshot. The steps since then come again. */
export interface RestoreEvent {
  type: 'restore';
  /** Of the snapshot. */
  epoch: number;
  /** Steps that were done at the snapshot. */
  step: number;
  /** Steps that are lost. */
  lost: number;
}

/** Training ends before its last epoch: nothing better came in `patience` of them. */
export interface StopEvent {
  type: 'stop';
  epoch: number;
  patience: number;
  /** The best epoch. */
  best: number;
}

/** After every step. */
export interface StepEvent {
  type: 'step';
  /** From 1. */
  epoch: number;
  /** From 1, over the whole training. */
  step: number;
  steps: number;
  /** Mean over the step's pictures, before its update. */
  loss: number;
  /** Pictures of this step, and how many of them were recognised before its update. */
  pictures: number;
  correct: number;
  /** The optimiser's learning rate in this step; groups have theirs in proportion. */
  lr: number;
  /** Since the step before it ended, the loading of pictures included. */
  seconds: number;
  /**
   * Gradients of the loss of this step's pictures with respect to every trained parameter, by name, row-major, at the
   * parameters as they are now and before any clipping. Computed when asked for; valid until the next event.
   */
  gradients(): Promise<Map<string, Float32Array>>;
}

/** After every epoch, with the evaluation where there is held-out data. */
export interface EpochEvent {
  type: 'epoch';
  epoch: number;
  epochs: number;
  /** Steps done. */
  step: number;
  /** Means over the epoch's steps, each before its update. */
  loss: number;
  accuracy: number;
  /** Of its last step. */
  lr: number;
  /** Of the whole epoch: steps, evaluation and what the reader of the events did. */
  seconds: number;
  /** Pictures, held-out ones included, that the frozen part was run for in this epoch; with a cache only. */
  computed?: number;
  /** Whether no epoch before was better (`monitor`). */
  isBest: boolean;
  /** Of the moving average where there is one. */
  validation?: Evaluation;
  /**
   * Calls `use` while the model holds the moving average in the place of its parameters, as the evaluation had it: to save
   * it. Without `ema` it just calls. Valid until the next event.
   */
  averaged<T>(use: () => Promise<T> | T): Promise<T>;
}

/** What `fit` tells as it goes on; match by `type`. */
export type FitEvent = StartEvent | StepEvent | EpochEvent | UnfreezeEvent | CheckpointEvent | RestoreEvent | StopEvent;
