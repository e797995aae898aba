/**
 * Which Vulkan drivers to try, in which order. Looks at the machine through {@link Machine} only, and opens nothing, so
 * that every kind of machine can be tested on one.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { WgradError } from '../errors.ts';
import { findChromium } from './chromium.ts';
import { carriedSwiftShader } from './swiftshader.ts';

/** In the order in which they are tried. */
export const adapterChoices = ['gpu', 'lavapipe', 'chromium', 'swiftshader'] as const;
export type AdapterChoice = (typeof adapterChoices)[number];

export interface Machine {
  platform: NodeJS.Platform;
  env: Readonly<Record<string, string | undefined>>;
  exists(path: string): boolean;
  /** Names in a folder; empty where there is no such folder. */
  list(folder: string): string[];
  /** The program of an installed Chromium. */
  chromium(): string | undefined;
  /** Folder of the SwiftShader out of the npm package. */
  carried(): Promise<string | undefined>;
}

export const thisMachine: Machine = {
  platform: process.platform,
  env: process.env,
  exists: existsSync,
  list(folder) {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
  chromium: findChromium,
  carried: carriedSwiftShader,
};

export interface Candidate {
  /** The kind that it must turn out to be; undefined: whatever it is. */
  kind: AdapterChoice | undefined;
  /** Value of VK_DRIVER_FILES; undefined leaves the search to the Vulkan loader, or to Metal and D3D12. */
  icd: string | undefined;
  /** Folder of a Vulkan loader for machines that have none. */
  loader?: string;
}

const icdFolders = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];

/** A kernel driver's device files: DRI (AMD, Intel, Mesa), NVIDIA's own, WSL. */
const gpuDevices = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'];

const isSoftware = (name: string) => /lvp|swiftshader/i.test(name);

function icdFiles(machine: Machine, matches: (name: string) => boolean): string[] {
  return icdFolders.flatMap((folder) =>
    machine
      .list(folder)
      .filter((name) => name.endsWith('.json') && matches(name))
      .sort()
      .map((name) => join(folder, name)),
  );
}

/** The drivers that the user names for the Vulkan loader. */
const givenDrivers = (machine: Machine) =>
  machine.env['VK_DRIVER_FILES'] || machine.env['VK_ICD_FILENAMES'] || undefined;

async function candidatesOf(choice: AdapterChoice, machine: Machine): Promise<Candidate[]> {
  const given = givenDrivers(machine);
  if (choice === 'gpu') {
    if (machine.platform !== 'linux') return [{ kind: 'gpu', icd: undefined }];
    const drivers = given && !isSoftware(given) ? [given] : icdFiles(machine, (name) => !isSoftware(name));
    // Without a device file no driver can reach a GPU: asking each of them would only print their complaints.
    return gpuDevices.some(machine.exists) && drivers.length > 0 ? [{ kind: 'gpu', icd: drivers.join(':') }] : [];
  }
  if (choice === 'lavapipe') {
    const files = given && /lvp/i.test(given) ? [given] : icdFiles(machine, (name) => /lvp/i.test(name));
    return files.map((icd) => ({ kind: 'lavapipe', icd }));
  }
  if (choice === 'swiftshader' && given && /swiftshader/i.test(given)) return [{ kind: 'swiftshader', icd: given }];
  const chromium = choice === 'chromium' ? machine.chromium() : undefined;
  const folder = choice === 'chromium' ? chromium && dirname(chromium) : await machine.carried();
  const icd = folder && join(folder, 'vk_swiftshader_icd.json');
  return icd && machine.exists(icd) ? [{ kind: choice, icd, loader: folder }] : [];
}

/**
 * What to try for `choice`, or without one. Drivers that the user names in VK_DRIVER_FILES are then the only ones: to
 * run on another one in silence would not be what was asked for. Each is worked out when its turn comes, since the last
 * one unpacks an archive.
 * @throws WgradError 'invalid-argument' for an unknown choice.
 */
export async function* candidates(choice: string | undefined, machine: Machine): AsyncGenerator<Candidate> {
  if (choice && !(adapterChoices as readonly string[]).includes(choice)) {
    throw new WgradError('invalid-argument', `WGRAD_ADAPTER: '${choice}' is no adapter`, {
      remedy: `Choose one of ${adapterChoices.join(', ')}`,
    });
  }
  const given = givenDrivers(machine);
  if (!choice && given && machine.platform === 'linux') return yield { kind: undefined, icd: given };
  for (const one of choice ? [choice as AdapterChoice] : adapterChoices) yield* await candidatesOf(one, machine);
}
