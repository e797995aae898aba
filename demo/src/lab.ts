/** The worker, and what its errors are in the page. */
import { WgradError } from '../../src/errors.ts';
import { connect } from '../../src/worker/wire.ts';
import type { Lab } from './worker/lab.ts';

const worker = new Worker(new URL('./worker/lab.ts', import.meta.url), { type: 'module', name: 'wgrad' });

export const lab = connect<Lab>(worker);

// For whoever looks from outside: tests, and developers in the console.
Object.assign(globalThis, { lab });

/** What went wrong, as the page shows it. */
export interface Fault {
  code: string;
  message: string;
  remedy?: string | undefined;
  /** Several reasons, each for itself. */
  reasons?: readonly string[];
}

export function faultOf(error: unknown): Fault {
  if (!(error instanceof WgradError)) return { code: 'internal', message: (error as Error).message ?? String(error) };
  const { code, remedy } = error;
  const message = remedy ? error.message.replace(`. ${remedy}`, '') : error.message;
  // What is wrong with a graph comes as one list.
  const [what, list] = /^onnx-(invalid|unsupported)$/.test(code)
    ? (/^(\w+): (.*)$/s.exec(message)?.slice(1) ?? [])
    : [];
  if (what === undefined || list === undefined) return { code, message, remedy };
  return { code, message: 'This model cannot be opened', reasons: list.split('; ').map(shortened), remedy };
}

/** Nodes of a reason that are named. */
const NAMED = 3;

/** 'op Loop (a, b, c and 7 more)': a network may have hundreds of one kind. */
const shortened = (reason: string): string =>
  reason.replace(/\(([^()]*)\)$/, (all, list: string) => {
    const names = list.split(', ');
    return names.length <= NAMED + 1 ? all : `(${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more)`;
  });

export const isAborted = (error: unknown): boolean => (error as Error | undefined)?.name === 'AbortError';
