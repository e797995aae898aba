/**
 * Where a program's time goes: each dispatch timed by itself, on data as a run leaves them.
 *
 * By timestamps, where the device has them: every dispatch is a pass of its own between two stamps, all in one
 * submission. Otherwise by submissions: every dispatch is waited for by itself, repeated in one pass until it outlasts
 * {@link OUTLASTS} empty submissions, whose time is subtracted.
 */
import { WgradError } from '../errors.ts';
import { GPU_USAGE, type Device } from '../gpu/device.ts';
import { submitAndRead } from '../gpu/readback.ts';
import type { PlanNode } from '../graph/op.ts';
import type { Role } from '../graph/tensor.ts';
import { median } from '../median.ts';
import { abortSignal, callback, choice, count, readOptions } from '../options.ts';
import type { Plan, Step } from './plan.ts';

/** Options of {@link Program.profile}. */
export interface ProfileOptions {
  /** Times that each dispatch is measured; the figures are medians. Default 5. */
  rounds?: number | undefined;
  /** Default 'auto': timestamps where the device has them. */
  method?: 'auto' | 'timestamps' | 'submissions' | undefined;
  /** Stops between two submissions; variables are then as before. */
  signal?: AbortSignal | undefined;
  /** Told after each round. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Time of one dispatch, and what it was for. */
export interface DispatchTime {
  /** The layer's name in the file, where the node came from one. */
  name: string | undefined;
  op: string;
  role: Role;
  kernel: string;
  workgroups: readonly [number, number, number];
  /** Median of the samples, in milliseconds. */
  ms: number;
  samples: readonly number[];
  /** Of the node, counted at the first kernel of it that is no copy; a multiply-add is two. */
  flops: number;
  /** Of all that is bound to the dispatch, once: the least that it can move. */
  bytes: number;
  /** 0 where nothing is counted. */
  gflops: number;
  /** Gigabytes a second. */
  gbs: number;
}

/** Where a program's time goes. */
export interface Profile {
  method: 'timestamps' | 'submissions';
  /** Sum over the dispatches, in milliseconds. */
  ms: number;
  /** A whole run in one pass, to the end of its work on the device, in milliseconds; median. */
  wallMs: number;
  /** In the order in which they run. */
  dispatches: readonly DispatchTime[];
}

/** What an instance lets be measured. */
export interface RunParts {
  device: Device;
  plan: Pick<Plan, 'steps' | 'nodes'>;
  /** Everything, as a run does it. */
  all(encoder: GPUCommandEncoder): void;
  one(pass: GPUComputePassEncoder, step: number): void;
}

/** A repeated dispatch takes at least as long as so many empty submissions, so that their noise does not count. */
const OUTLASTS = 10;
const MOST_REPEATS = 64;
/** A query set holds 4096 stamps at most; two a dispatch. */
const CHUNK = 2048;

const options = {
  rounds: count(5, 'times that each dispatch is measured'),
  method: choice(['auto', 'timestamps', 'submissions'], 'auto', 'how time is taken'),
  signal: abortSignal(),
  onProgress: callback<(done: number, total: number) => void>('told of each round'),
};

/**
 * @throws (rejects) WgradError 'invalid-argument'; 'limit-exceeded' for timestamps on a device without; 'device-lost',
 *   'out-of-memory'; the signal's reason.
 */
export async function profileRun(parts: RunParts, given: ProfileOptions): Promise<Profile> {
  const { rounds, method, signal, onProgress } = readOptions('profile', options, { ...given });
  const stamped = parts.device.gpu.features.has('timestamp-query');
  if (method === 'timestamps' && !stamped) {
    throw new WgradError('limit-exceeded', 'profile: the device has no timestamps', {
      remedy: "Use the method 'submissions'",
    });
  }
  const { steps } = parts.plan;
  const used = method === 'auto' ? (stamped ? 'timestamps' : 'submissions') : method;
  const measure = used === 'timestamps' ? byTimestamps : bySubmissions;
  const samples: number[][] = steps.map(() => []);
  const wall: number[] = [];
  const repeats: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const whole = await time(parts.device, (encoder) => parts.all(encoder));
    const times = await measure(parts, repeats, signal);
    signal?.throwIfAborted();
    // The first one warms up: caches, clocks, and the lazy parts of drivers.
    if (round < 0) continue;
    wall.push(whole);
    times.forEach((ms, i) => samples[i]!.push(ms));
    onProgress?.(round + 1, rounds);
  }
  const medians = samples.map(median);
  const flops = flopsOf(parts.plan);
  const dispatches = steps.map((step, i) => described(step, samples[i]!, medians[i]!, flops[i]!));
  return { method: used, ms: medians.reduce((a, b) => a + b, 0), wallMs: median(wall), dispatches };
}

function described(step: Step, samples: number[], ms: number, flops: number): DispatchTime {
  const { node, kernel, workgroups } = step;
  const bytes = [...new Set(step.regions)].reduce((sum, r) => sum + r.bytes, 0);
  const rate = (amount: number) => (ms > 0 ? amount / ms / 1e6 : 0);
  return {
    name: node.name,
    op: node.op.name,
    role: node.role,
    kernel: kernel.name,
    workgroups,
    ms,
    samples,
    flops,
    bytes,
    gflops: rate(flops),
    gbs: rate(bytes),
  };
}

/** A node's operations, at the first kernel of it that is no copy; shared by workgroups, where that runs several times. */
function flopsOf({ steps, nodes }: RunParts['plan']): number[] {
  const flops = steps.map(() => 0);
  const byNode = new Map<PlanNode, number[]>();
  steps.forEach(({ node }, i) => byNode.set(node, [...(byNode.get(node) ?? []), i]));
  for (const node of nodes) {
    const indices = byNode.get(node) ?? [];
    const main = indices.find((i) => !steps[i]!.kernel.name.startsWith('copy')) ?? indices[0];
    const sharing = indices.filter((i) => steps[i]!.kernel === steps[main!]!.kernel);
    const groups = (i: number) => steps[i]!.workgroups.reduce((a, b) => a * b);
    const all = sharing.reduce((sum, i) => sum + groups(i), 0);
    for (const i of sharing) flops[i] = ((node.op.flops?.(node) ?? 0) * groups(i)) / all;
  }
  return flops;
}

/** Milliseconds from the submission to its end, as the host sees it. */
async function time(device: Device, encode: (encoder: GPUCommandEncoder) => void): Promise<number> {
  const started = performance.now();
  await submitAndRead(
    device,
    'a profile',
    (encoder) => {
      encode(encoder);
      return undefined;
    },
    () => undefined,
  );
  return performance.now() - started;
}

async function bySubmissions(parts: RunParts, repeats: number[], signal?: AbortSignal): Promise<number[]> {
  const { device } = parts;
  const { steps } = parts.plan;
  const empties: number[] = [];
  for (let i = 0; i < 9; i++) empties.push(await time(device, () => undefined));
  const empty = median(empties);
  const times: number[] = [];
  for (let step = 0; step < steps.length; step++) {
    signal?.throwIfAborted();
    const n = repeats[step] ?? 1;
    const ms = await time(device, (encoder) => {
      const pass = encoder.beginComputePass();
      for (let i = 0; i < n; i++) parts.one(pass, step);
      pass.end();
    });
    const one = Math.max(0, ms - empty) / n;
    times.push(one);
    const wanted = Math.ceil((OUTLASTS * empty) / Math.max(one, empty / MOST_REPEATS));
    repeats[step] ??= Math.min(MOST_REPEATS, wanted);
  }
  return times;
}

async function byTimestamps(parts: RunParts, _repeats: number[], signal?: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  for (let from = 0; from < parts.plan.steps.length; from += CHUNK) {
    signal?.throwIfAborted();
    times.push(...(await stamped(parts, from, Math.min(CHUNK, parts.plan.steps.length - from))));
  }
  return times;
}

async function stamped({ device, one }: RunParts, from: number, count: number): Promise<number[]> {
  const bytes = 16 * count;
  const querySet = device.gpu.createQuerySet({ type: 'timestamp', count: 2 * count });
  const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPU_USAGE;
  const resolved = device.createBuffer(bytes, QUERY_RESOLVE | COPY_SRC, 'timestamps');
  const staging = device.createBuffer(bytes, COPY_DST | MAP_READ, 'timestamps');
  try {
    return await submitAndRead(
      device,
      'a profile',
      (encoder) => {
        for (let i = 0; i < count; i++) {
          const stamps = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
          const pass = encoder.beginComputePass({ timestampWrites: stamps });
          one(pass, from + i);
          pass.end();
        }
        encoder.resolveQuerySet(querySet, 0, 2 * count, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
        return staging;
      },
      (mapped) => {
        const stamps = new BigUint64Array(mapped, 0, 2 * count);
        return Array.from({ length: count }, (_, i) => nanoseconds(stamps[2 * i]!, stamps[2 * i + 1]!) / 1e6);
      },
    );
  } finally {
    querySet.destroy();
    device.destroyBuffer(resolved);
    device.destroyBuffer(staging);
  }
}

/** Some drivers' clocks step back: then nothing was measured. */
const nanoseconds = (begin: bigint, end: bigint) => (end > begin ? Number(end - begin) : 0);
