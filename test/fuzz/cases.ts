/** One case: a damaged file, read as far as it goes without a device. Only coded errors may come of it. */
import { WgradError } from '../../src/errors.ts';
import { decodeSafetensors } from '../../src/formats/safetensors.ts';
import { input } from '../../src/graph/leaves.ts';
import { decodeImage } from '../../src/node/image.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { Random } from '../../src/random.ts';
import type { Seed } from './corpus.ts';
import { mutateModel, mutatePicture, mutateSafetensors } from './mutate.ts';

export const KINDS = ['model', 'safetensors', 'picture'] as const;
export type Kind = (typeof KINDS)[number];

/** What no case may exceed. */
export const LIMITS = { seconds: 2, bytes: 500e6 };
export type Limits = typeof LIMITS;

const MUTATE = { model: mutateModel, safetensors: mutateSafetensors, picture: mutatePicture };
const READ = { model: readModel, safetensors: readSafetensors, picture: readPicture };

/** The file of a case: the same for the same seed, index and corpus. */
export function makeCase(kind: Kind, seed: string, index: number, corpus: readonly Seed[]): Seed {
  const random = new Random(`${seed}:${kind}:${index}`);
  const { name, bytes } = random.pick(corpus);
  return { name, bytes: MUTATE[kind](bytes, random) };
}

export interface Outcome {
  /** 'read', the code of a WgradError, or 'FAULT' with what was thrown instead. */
  result: string;
  fault?: string;
  seconds: number;
  /** By how much the process grew beyond what it ever was. */
  bytes: number;
}

/** Reads a file and measures it. Time is the processor's, so that a busy machine changes nothing. */
export async function runCase(kind: Kind, bytes: Uint8Array, limits: Limits = LIMITS): Promise<Outcome> {
  const peak = () => process.resourceUsage().maxRSS * 1024;
  const before = { cpu: process.cpuUsage(), peak: peak(), now: process.memoryUsage.rss(), time: performance.now() };
  let result = 'read';
  let fault: string | undefined;
  try {
    await READ[kind](bytes);
  } catch (error) {
    if (error instanceof WgradError) result = error.code;
    else [result, fault] = ['FAULT', error instanceof Error ? (error.stack ?? error.message) : String(error)];
  }
  const { user, system } = process.cpuUsage(before.cpu);
  const seconds = Math.min((user + system) / 1e6, (performance.now() - before.time) / 1e3);
  const grown = peak() > before.peak ? peak() - before.now : 0;
  if (seconds > limits.seconds) fault ??= `${seconds.toFixed(1)} s`;
  if (grown > limits.bytes) fault ??= `${(grown / 1e6).toFixed(0)} MB`;
  return { result, ...(fault && { fault }), seconds, bytes: grown };
}

/** Import, the graph at batch 1, and the file written back. */
async function readModel(bytes: Uint8Array): Promise<void> {
  const network = await importOnnx(bytes, { source: 'case' });
  const size = (extent: number | null, axis: number) => extent ?? (axis === 0 ? 1 : 32);
  const feeds = network.inputs.map(({ name, shape }) => [name, input(name, shape.map(size))]);
  network.build({ inputs: Object.fromEntries(feeds) });
  const values = [...network.parameters].map(
    ([name, { variable }]) => [name, variable.initial as Float32Array] as const,
  );
  await network.save(new Map(values), network.metadata);
}

async function readSafetensors(bytes: Uint8Array): Promise<void> {
  const file = decodeSafetensors(bytes, 'case');
  for (const name of file.names) {
    file.read(name);
    file.floats(name);
  }
}

async function readPicture(bytes: Uint8Array): Promise<void> {
  await decodeImage(bytes, { name: 'case' });
}
