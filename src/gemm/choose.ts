/** Which kernel solves a problem: what was measured, else the cost model's answer. */
import { WgradError } from '../errors.ts';
import type { Device } from '../gpu/device.ts';
import { ranked } from './cost.ts';
import { gemmDevice } from './device.ts';
import type { Choice, GemmDevice } from './family.ts';
import { problemKey, type GemmProblem } from './problem.ts';
import type { Records, TuningStore } from './records.ts';

export { families, launch } from './families.ts';

/** off: the cost model. cached: what was measured before, else the cost model. full: measures what is not known. */
export const tuningModes = ['off', 'cached', 'full'] as const;
/** Whether kernels are chosen by what was measured: not at all, where it is known already, or by measuring first. */
export type TuningMode = (typeof tuningModes)[number];

/** How kernels for convolutions and matrix products are chosen. */
export interface TuningOptions {
  /**
   * 'cached' (the default): by what {@link Engine.tune} has measured, else by a model of their cost. 'full': compiling a
   * program measures first what is not known, which takes seconds to minutes. 'off': by the model alone.
   */
  mode?: TuningMode | undefined;
  /** Where results are kept. Default: in a page IndexedDB; `createEngine` of wgrad/node gives a file. */
  store?: TuningStore | undefined;
  /** Told where the store cannot be read; it then counts as empty. Default: console.warn. */
  warn?: ((line: string) => void) | undefined;
}

/** Answers by problem; the same one each time, so that programs of an engine compute the same bits. */
export class Choices {
  private readonly known = new Map<string, Choice>();

  constructor(
    readonly device: GemmDevice,
    readonly mode: TuningMode = 'off',
    readonly store?: TuningStore,
    /** What was measured. */
    public records?: Records,
  ) {}

  of(problem: GemmProblem): Choice {
    const key = problemKey(problem);
    let choice = this.known.get(key);
    if (!choice) {
      choice = this.records?.of(problem, this.device) ?? ranked(problem, this.device)[0]!;
      this.known.set(key, choice);
    }
    return choice;
  }

  set(problem: GemmProblem, choice: Choice): void {
    this.known.set(problemKey(problem), choice);
  }
}

/** @throws WgradError 'invalid-argument'. */
export async function openChoices(device: Device, options: TuningOptions = {}): Promise<Choices> {
  const { mode = 'cached', warn = (line: string) => console.warn(line) } = options;
  if (!tuningModes.includes(mode)) {
    throw new WgradError('invalid-argument', `tuning: the mode is ${String(mode)}; one of ${tuningModes.join(', ')}`);
  }
  const gemm = gemmDevice(device);
  if (mode === 'off') return new Choices(gemm, mode);
  const store = options.store ?? (await pageStore());
  let records: Records | undefined;
  try {
    const text = await store?.read();
    // Most have tuned nothing: the reader is loaded where there is something to read.
    if (text !== undefined) {
      const { adapterKey, Records: Reader } = await import('./records.ts');
      records = Reader.of(text, adapterKey(device.info, gemm));
    }
  } catch (error) {
    warn(`wgrad: what tuning has kept in ${store!.name} is left out: ${(error as Error).message}`);
  }
  return new Choices(gemm, mode, store, records);
}

const pageStore = async (): Promise<TuningStore | undefined> =>
  'indexedDB' in globalThis ? (await import('./indexed_db.ts')).indexedDbStore : undefined;
