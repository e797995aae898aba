/** What a run leaves: bench/schema.json describes it for other programs. */
import type { Suite, Task } from './case.ts';
import type { Roofline } from './roofline.ts';
import type { Timing } from './statistics.ts';

/** Raised where older readers would misread. */
export const SCHEMA = 1;

export interface ContestantInfo {
  name: string;
  version: string;
  backend: string;
  context?: string;
}

export interface Score {
  /** Milliseconds, of every round. */
  encode?: Timing;
  done?: Timing;
  readback?: Timing;
  /** Processor time of all threads of the process until then; in Node alone. */
  processor?: Timing;
  parts?: Readonly<Record<string, Timing>>;
  /** Of the first run, which compiles. */
  warmUpMs?: number;
  /** By the device's clock, summed over the dispatches, and by their role and kernel. */
  gpuMs?: number;
  gpuParts?: Readonly<Record<string, number>>;
  gflops?: number;
  gbs?: number;
  /** Time that the roofline gives, over the time taken. */
  roofShare?: number;
  figures?: Readonly<Record<string, number>>;
  /** Largest difference of its outputs from wgrad's, over the largest magnitude. */
  error?: number;
  /** Whether that is within {@link agreement}. */
  agrees?: boolean;
  /** Why there is no figure, or fewer. */
  failed?: string;
}

export interface CaseScore {
  suite: Suite;
  name: string;
  group: string;
  shape: string;
  flops: number;
  bytes: number;
  rounds: number;
  /** By the contestant's name. */
  scores: Readonly<Record<string, Score>>;
}

export interface BenchResult {
  schema: number;
  made: {
    /** ISO 8601. */
    date: string;
    command: string;
    commit: string;
    /** Whether files differed from the commit. */
    changed: boolean;
    host: 'node' | 'browser';
    /** Version of Node or the browser's user agent. */
    runtime: string;
    machine: string;
    /** Of shards: 'i/n', joined by commas after a merge. */
    shard?: string;
    /** Names of cases that a time limit left no room for. */
    leftOut?: readonly string[];
    /** It was stopped: cases are missing. */
    interrupted?: true;
    seconds: number;
  };
  adapter: {
    description: string;
    vendor: string;
    architecture: string;
    device: string;
    features: readonly string[];
    limits: Readonly<Record<string, number>>;
  };
  network: { name: string; sha256: string; side: number; classes: number };
  options: { rounds: number; seconds: number; quick: boolean };
  roofline: Roofline;
  contestants: readonly ContestantInfo[];
  cases: readonly CaseScore[];
}

/** What a run finds, before it is known who ran it. */
export type Measured = Pick<BenchResult, 'adapter' | 'roofline' | 'contestants' | 'cases'> &
  Pick<BenchResult['made'], 'leftOut' | 'interrupted'>;

/**
 * How far outputs may differ, by the largest value. Two right ways to compute a layer, or the logits, differ by the order
 * of their sums, 1e-7 to 1e-5. In the gradient of a whole network one ReLU that is open in one engine and shut in the
 * other, or one window of a max-pool whose two greatest values are a rounding apart, changes what is behind it: PyTorch's
 * own float32 is up to 1.2e-2 from its float64 (bench/peers/rounding.py). A wrong stride, layout or padding shows as 0.1 to 1.
 */
export const agreement = ({ kind }: Task): number =>
  kind === 'saliency' || kind === 'integrated-gradients' ? 5e-2 : 5e-4;

/** Largest difference over the largest magnitude of `b`; 0 for two that are all zero; NaN where one has a NaN. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let [top, most] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(d)) return NaN;
    most = Math.max(most, d);
    top = Math.max(top, Math.abs(b[i]!));
  }
  return most === 0 ? 0 : most / top;
}
