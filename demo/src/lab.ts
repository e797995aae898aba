/** The worker, and what its answers become in the page. */
import * as Comlink from 'comlink';
import type { Answer, Fault } from './worker/answer.ts';
import type { Lab } from './worker/lab.ts';

const worker = new Worker(new URL('./worker/lab.ts', import.meta.url), { type: 'module', name: 'wgrad' });

export const lab = Comlink.wrap<Lab>(worker);

/** An error of the engine, as the page shows it. */
export class LabError extends Error {
  constructor(readonly fault: Fault) {
    super(fault.message);
  }
}

/** @throws LabError */
export async function ask<T>(answer: Promise<Answer<T>>): Promise<T> {
  const result = await answer;
  if ('fault' in result) throw new LabError(result.fault);
  return result.value;
}

/** A callback that the worker may call. */
export const told = <F extends (...args: never[]) => void>(callback: F): F & Comlink.ProxyMarked =>
  Comlink.proxy(callback);

export function faultOf(error: unknown): Fault {
  if (error instanceof LabError) return error.fault;
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

export const isAborted = (error: unknown): boolean => error instanceof LabError && error.fault.code === 'aborted';
