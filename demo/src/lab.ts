/** The worker, and what its errors are in the page. */
import { WgradError } from '../../src/errors.ts';
import { connect } from '../../src/worker/wire.ts';
import type { Lab } from './worker/lab.ts';

const worker = new Worker(new URL('./worker/lab.ts', import.meta.url), { type: 'module', name: 'wgrad' });

export const lab = connect<Lab>(worker);

/** What went wrong, as the page shows it. */
export interface Fault {
  code: string;
  message: string;
  remedy?: string | undefined;
}

export function faultOf(error: unknown): Fault {
  if (!(error instanceof WgradError)) return { code: 'internal', message: (error as Error).message ?? String(error) };
  const { code, message, remedy } = error;
  return { code, message: remedy ? message.replace(`. ${remedy}`, '') : message, remedy };
}

export const isAborted = (error: unknown): boolean => (error as Error | undefined)?.name === 'AbortError';
