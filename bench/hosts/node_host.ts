/** Node's side of the harness: weights from files, wgrad on Dawn, what is known of the machine. */
import { execSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createEngine } from '../../src/node/index.ts';
import { describeNetwork } from '../../src/model/describe.ts';
import { requirePicture, requireScores } from '../../src/model/roles.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { root } from './paths.ts';
import type { Contestant, NetworkSource } from '../core/case.ts';
import { freshResnet50, networkSource, tinyResnet } from '../core/networks.ts';
import { wgradContestant } from '../contestants/wgrad/index.ts';

export const dataFolder = (): string => process.env['WGRAD_DATA'] ?? `${root}/../shared/data`;

/** The reference weights where they are there, else fresh ones of the same shapes. */
export async function resnet50(): Promise<NetworkSource> {
  const file = `${dataFolder()}/models/resnet50-coarse.onnx`;
  if (!existsSync(file)) return freshResnet50();
  return networkOf('resnet50-coarse.onnx', file);
}

/** Standard deviation of a photograph's values from 0 to 1, about. */
const PHOTOGRAPH = 0.25;

async function networkOf(name: string, file: string): Promise<NetworkSource> {
  const bytes = new Uint8Array(await readFile(file));
  const network = await importOnnx(bytes);
  const { roles } = network;
  const { std } = describeNetwork(network).preprocess ?? { std: [PHOTOGRAPH] };
  return networkSource(name, bytes, {
    side: requirePicture(roles).size[0],
    classes: requireScores(roles).count,
    spread: (PHOTOGRAPH * std.length) / std.reduce((a, b) => a + b),
  });
}

export const networksOf = async (tiny: boolean): Promise<{ network: NetworkSource; small: NetworkSource }> => {
  if (!tiny)
    return { network: await resnet50(), small: await networkOf('weights/shapes.onnx', `${root}/weights/shapes.onnx`) };
  const network = await tinyResnet();
  return { network, small: network };
};

const text = (command: string) => execSync(command, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim(); // prettier-ignore

/** Of the code that is measured; nothing where it is no checkout. */
export function commit(): { commit: string; changed: boolean } {
  try {
    return { commit: text('git rev-parse --short=12 HEAD'), changed: text('git status --porcelain') !== '' };
  } catch {
    return { commit: '', changed: false };
  }
}

export const machine = (): string =>
  `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB`;

/** Heap and array buffers, after a garbage collection. */
async function hostBytes(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

export async function openWgrad(
  networks: { network: NetworkSource; small: NetworkSource },
  log: (line: string) => void,
) {
  const engine = await createEngine({ log });
  const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8')) as { version: string };
  const contestant: Contestant = wgradContestant({ engine, another: () => createEngine(), version, hostBytes, ...networks }); // prettier-ignore
  return { engine, contestant };
}
