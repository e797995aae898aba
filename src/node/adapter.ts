/**
 * An adapter in Node, through Dawn. Tried in this order: a physical GPU; Mesa lavapipe 23 or newer; the SwiftShader of
 * an installed Chromium; the one that the npm package @sparticuz/chromium carries. WGRAD_ADAPTER chooses one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { WgradError } from '../errors.ts';
import { findChromium } from './chromium.ts';
import { carriedSwiftShader } from './swiftshader.ts';

export const adapterChoices = ['gpu', 'lavapipe', 'chromium', 'swiftshader'] as const;
export type AdapterChoice = (typeof adapterChoices)[number];

export interface OpenedAdapter {
  adapter: GPUAdapter;
  /** One line that names it, e.g. `SwiftShader Device (LLVM 16.0.0) · swiftshader · Dawn`. */
  description: string;
  kind: AdapterChoice;
}

export interface OpenOptions {
  /** One of {@link adapterChoices}; default WGRAD_ADAPTER, else the first that works. */
  choice?: string;
  log?: (line: string) => void;
}

interface Candidate {
  kind: AdapterChoice;
  /** Value of VK_DRIVER_FILES; undefined leaves the search to the Vulkan loader. */
  icd: string | undefined;
  /** Folder of a Vulkan loader for machines that have none. */
  loader?: string;
}

const icdFolders = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];

function icdFiles(matches: (name: string) => boolean): string[] {
  return icdFolders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.json') && matches(name))
      .sort()
      .map((name) => join(folder, name)),
  );
}

const isSoftware = (name: string) => /lvp|swiftshader/i.test(name);

/** What this machine may offer for each choice. */
function candidates(choice: AdapterChoice): Candidate[] {
  if (choice === 'gpu') {
    if (process.platform !== 'linux') return [{ kind: 'gpu', icd: undefined }];
    const hasDevice = existsSync('/dev/dri') || existsSync('/dev/nvidiactl') || existsSync('/dev/dxg');
    const given = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'];
    const drivers = given && !isSoftware(given) ? [given] : icdFiles((name) => !isSoftware(name));
    return hasDevice && drivers.length > 0 ? [{ kind: 'gpu', icd: drivers.join(':') }] : [];
  }
  if (choice === 'lavapipe') {
    const given = process.env['VK_DRIVER_FILES'];
    const files = given && /lvp/.test(given) ? [given] : icdFiles((name) => /lvp/i.test(name));
    return files.map((icd) => ({ kind: 'lavapipe', icd }));
  }
  const folder = choice === 'chromium' ? installedSwiftShader() : carriedSwiftShader();
  const icd = folder && join(folder, 'vk_swiftshader_icd.json');
  return icd && existsSync(icd) ? [{ kind: choice, icd, loader: folder }] : [];
}

function installedSwiftShader(): string | undefined {
  const chromium = findChromium();
  return chromium && dirname(chromium);
}

/** The system's Vulkan loader, where ldconfig knows one. */
function hasVulkanLoader(): boolean {
  const folders = ['/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib'];
  const fromPath = (process.env['LD_LIBRARY_PATH'] ?? '').split(':').filter(Boolean);
  return [...folders, ...fromPath].some((folder) => {
    try {
      return readFileSync(join(folder, 'libvulkan.so.1')).length > 0;
    } catch {
      return false;
    }
  });
}

const RTLD_NODELETE = 0x1000;

/**
 * Makes Dawn's later search for libvulkan.so.1 find this one: once loaded under that name, dlopen by name returns it.
 * Node's dlopen reports that it is no addon, as it is not; the library stays loaded all the same.
 */
function loadVulkanLoader(folder: string): void {
  const file = join(folder, 'libvulkan.so.1');
  if (!existsSync(file)) return;
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    process.dlopen({ exports: {} }, file, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  } catch {
    return;
  }
}

/** Dawn crashes if its entry object is collected while devices live. */
const keptAlive: GPU[] = [];

async function request(candidate: Candidate): Promise<GPUAdapter | undefined> {
  if (process.platform === 'linux') {
    const loader = hasVulkanLoader() ? undefined : (candidate.loader ?? carriedSwiftShader());
    if (loader) loadVulkanLoader(loader);
  }
  const before = process.env['VK_DRIVER_FILES'];
  if (candidate.icd !== undefined) process.env['VK_DRIVER_FILES'] = candidate.icd;
  try {
    const { create, globals } = await import('webgpu');
    for (const [name, value] of Object.entries(globals)) {
      if (!(name in globalThis)) Object.assign(globalThis, { [name]: value });
    }
    const gpu = create([]);
    keptAlive.push(gpu);
    return (await gpu.requestAdapter({ powerPreference: 'high-performance' })) ?? undefined;
  } finally {
    if (before === undefined) delete process.env['VK_DRIVER_FILES'];
    else process.env['VK_DRIVER_FILES'] = before;
  }
}

/** Dawn's own name of what was opened decides what it is: a driver list may hold a surprise. */
function kindOf(info: GPUAdapterInfo, asked: AdapterChoice): AdapterChoice {
  const name = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  if (/swiftshader/i.test(name)) return asked === 'chromium' ? 'chromium' : 'swiftshader';
  if (/llvmpipe|lavapipe/i.test(name)) return 'lavapipe';
  return 'gpu';
}

/** @throws WgradError 'no-adapter' naming what was tried; 'invalid-argument' for an unknown choice. */
export async function openAdapter(options: OpenOptions = {}): Promise<OpenedAdapter> {
  const asked = options.choice ?? process.env['WGRAD_ADAPTER'];
  if (asked && !(adapterChoices as readonly string[]).includes(asked)) {
    throw new WgradError('invalid-argument', `WGRAD_ADAPTER: '${asked}' is no adapter`, {
      remedy: `Choose one of ${adapterChoices.join(', ')}`,
    });
  }
  const choices = asked ? [asked as AdapterChoice] : adapterChoices;
  const tried: string[] = [];
  for (const choice of choices) {
    for (const candidate of candidates(choice)) {
      const adapter = await request(candidate);
      const kind = adapter && kindOf(adapter.info, choice);
      if (adapter && kind === choice) {
        const { description, device, architecture } = adapter.info;
        const name = description || device || architecture || 'unnamed adapter';
        const opened = { adapter, kind, description: `${name} · ${kind} · Dawn` };
        options.log?.(`adapter: ${opened.description}`);
        return opened;
      }
      tried.push(`${choice} (${candidate.icd ?? 'system'}): ${adapter ? `is ${kind}` : 'no adapter'}`);
    }
    if (!tried.some((t) => t.startsWith(choice))) tried.push(`${choice}: not on this machine`);
  }
  throw new WgradError('no-adapter', `no WebGPU adapter: ${tried.join('; ')}`, {
    remedy: 'Run `npm ci` on linux x64 for the carried SwiftShader, or install a Vulkan driver, and check WGRAD_ADAPTER',
  });
}
