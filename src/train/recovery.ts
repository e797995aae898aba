/** A training after a loss of its device: what it goes on from is on the host, and the engine finds another device. */
import { untilAborted } from '../abort.ts';
import type { Engine } from '../engine.ts';
import { WgradError } from '../errors.ts';
import type { Variable } from '../graph/leaves.ts';
import type { Progress } from './progress.ts';

/** A training as it was after a step. */
export interface Kept {
  progress: Progress;
  /** Of what it changes of the model, the optimiser's moments and the average, by name. */
  values: Record<'model' | 'optimizer' | 'average', ReadonlyMap<string, Float32Array>>;
  best: Map<string, Float32Array> | undefined;
}

/** Losses in a row, without a snapshot between them, after which a training ends: a driver that keeps failing. */
export const MOST_LOSSES = 3;

/** Tries to get a device; a browser may refuse them for a while after a crash. */
const TRIES = 6;

export const isLoss = (error: unknown): error is WgradError =>
  error instanceof WgradError && error.code === 'device-lost';

/**
 * `engine.restore()` until there is a device, for some seconds, with these values of variables.
 * @throws (rejects) what the last try throws; `loss` where the engine cannot make another device; the signal's reason.
 */
export async function restoreEngine(
  engine: Engine,
  known: ReadonlyMap<Variable, Float32Array>,
  loss: WgradError,
  signal?: AbortSignal,
): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      return await untilAborted(engine.restore({ values: (variable) => known.get(variable) }), signal);
    } catch (error) {
      // The device was another library's.
      if (error instanceof WgradError && error.code === 'invalid-argument') throw loss;
      const mayPass = error instanceof WgradError && (error.code === 'no-adapter' || error.code === 'device-lost');
      if (!mayPass || tried === TRIES) throw error;
      await untilAborted(new Promise((resolve) => setTimeout(resolve, 125 * 2 ** tried)), signal);
    }
  }
}
