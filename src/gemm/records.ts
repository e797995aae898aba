/**
 * What tuning has measured, kept as text: the winner of each problem, by adapter. Answers for another adapter, for
 * kernels whose source has changed since, or in a form that is not understood, do not count.
 */
import { gemmSource } from '../gpu/kernels.gen.ts';
import { inParts } from './cost.ts';
import { families } from './families.ts';
import type { Choice, GemmDevice } from './family.ts';
import { problemKey, type GemmProblem } from './problem.ts';

/** Where the text is kept: a file in Node, IndexedDB in a page. */
export interface TuningStore {
  /** What the store is, for messages. */
  readonly name: string;
  /** Undefined where nothing was kept yet. */
  read(): Promise<string | undefined>;
  /** Keeps the text in place of what was there. */
  write(text: string): Promise<void>;
}

/** A winner as it is kept: family, tile, parts, GFLOP/s. */
type Kept = readonly [family: string, tile: string, parts: number, gflops: number];

interface Adapter {
  /** Hash of the kernels' source that the winners were measured with. */
  source: string;
  winners: Record<string, Kept>;
}

interface File {
  version: 1;
  adapters: Record<string, Adapter>;
}

/** What results depend on beside the problem: the adapter with its driver, and what kernels may use of it. */
export const adapterKey = (info: GPUAdapterInfo, device: GemmDevice): string =>
  [info.vendor, info.architecture, info.device, info.description, `subgroups of ${device.subgroup}`].join(' | ');

const isText = (v: unknown): v is string => typeof v === 'string';

const isKept = (v: unknown): v is Kept =>
  Array.isArray(v) && v.length === 4 && isText(v[0]) && isText(v[1]) && Number.isInteger(v[2]) && isFinite(v[3]);

const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

const isAdapter = (v: unknown): v is Adapter =>
  isRecord(v) && isText(v.source) && isRecord(v.winners) && Object.values(v.winners).every(isKept);

/** @throws Error saying what is wrong with the text. */
export function parseRecords(text: string): File {
  const file = JSON.parse(text) as unknown;
  if (!isRecord(file) || file.version !== 1 || !isRecord(file.adapters)) throw new Error('not kept by this version');
  for (const [name, adapter] of Object.entries(file.adapters)) {
    if (!isAdapter(adapter)) throw new Error(`the entry of ${name} is damaged`);
  }
  return file as unknown as File;
}

/** The winners for one adapter. */
export class Records {
  constructor(
    private readonly key: string,
    private readonly winners = new Map<string, Kept>(),
    private readonly source: string = gemmSource,
  ) {}

  /** @throws Error where the text is damaged. */
  static of(text: string | undefined, key: string, source: string = gemmSource): Records {
    const known = text === undefined ? undefined : parseRecords(text).adapters[key];
    const winners = known?.source === source ? Object.entries(known.winners) : [];
    return new Records(key, new Map(winners), source);
  }

  /** The winner, if it is one that fits the problem on the device. */
  of(problem: GemmProblem, device: GemmDevice): (Choice & { gflops: number }) | undefined {
    const kept = this.winners.get(problemKey(problem));
    if (!kept) return undefined;
    const [family, tile, parts, gflops] = kept;
    const fitting = families
      .find((f) => f.name === family)
      ?.candidates(problem, device)
      .find((c) => c.tile === tile);
    if (!fitting || parts < 1 || inParts(problem, fitting, parts).parts !== parts) return undefined;
    return { family, tile, parts, gflops };
  }

  set(problem: GemmProblem, { family, tile, parts }: Choice, gflops: number): void {
    this.winners.set(problemKey(problem), [family, tile, parts, Number(gflops.toPrecision(4))]);
  }

  /** `before` with these winners in it; what it has of other adapters and problems stays. A damaged text is replaced. */
  mergedInto(before: string | undefined): string {
    let file: File = { version: 1, adapters: {} };
    try {
      if (before !== undefined) file = parseRecords(before);
    } catch {
      // It was told of when it was read.
    }
    const known = file.adapters[this.key];
    const winners = known?.source === this.source ? known.winners : {};
    const merged: Adapter = { source: this.source, winners: { ...winners, ...Object.fromEntries(this.winners) } };
    return JSON.stringify({ ...file, adapters: { ...file.adapters, [this.key]: merged } }, null, 1);
  }
}
