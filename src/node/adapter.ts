/**
 * An adapter in Node, through Dawn. Tried in this order: a physical GPU; Mesa lavapipe 23 or newer; the SwiftShader of
 * an installed Chromium; the one that the npm package @sparticuz/chromium carries. WGRAD_ADAPTER chooses one.
 *
 * The Vulkan loader reads VK_DRIVER_FILES anew for each Dawn instance, so that one process can try driver after driver,
 * and can have two adapters open at once. Only in the main thread: a worker's `process.env` is a copy that the loader
 * does not see.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import { WgradError } from '../errors.ts';
import { adapterChoices, candidates, thisMachine, type AdapterChoice, type Candidate } from './candidates.ts';
import { peer } from './peer.ts';
import { pollEagerly, pollWithPauses } from './poll.ts';
import { carriedSwiftShader } from './swiftshader.ts';

export { adapterChoices, type AdapterChoice } from './candidates.ts';

export interface OpenedAdapter {
  /** Dawn's entry object; kept referenced by this module. */
  gpu: GPU;
  adapter: GPUAdapter;
  /** See {@link describeAdapter}. */
  description: string;
  kind: AdapterChoice;
}

export interface OpenOptions {
  /** One of {@link adapterChoices}; default WGRAD_ADAPTER, else VK_DRIVER_FILES, else the first that works. */
  choice?: string;
  log?: (line: string) => void;
}

/** dlopen's "keep it loaded for good"; node:os does not name it. */
const RTLD_NODELETE = 0x1000;

/**
 * Loads a library that is no Node addon. Node then reports that it "did not self-register", which is the sign that it
 * was found; it stays loaded, and a later dlopen of the same name returns it.
 */
function loadLibrary(file: string): boolean {
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    process.dlopen({ exports: {} }, file, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
    return true;
  } catch (error) {
    return /self-register/.test((error as Error).message);
  }
}

/** Makes Dawn's search for libvulkan.so.1 succeed on a machine without a Vulkan loader. */
async function ensureLoader(candidate: Candidate): Promise<void> {
  if (loadLibrary('libvulkan.so.1')) return;
  if (candidate.loader && loadLibrary(join(candidate.loader, 'libvulkan.so.1'))) return;
  const folder = await carriedSwiftShader();
  if (folder) loadLibrary(join(folder, 'libvulkan.so.1'));
}

/** Dawn crashes if its entry object is collected while devices live. */
const keptAlive: GPU[] = [];

/** Timestamps to the nanosecond: in a page they are rounded to 0.07 ms, lest it spies on others. */
const settings = ['disable-dawn-features=timestamp_quantization'];

/** Both names of the setting: loaders before 1.3.207 know only the second. */
const driverSettings = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'] as const;

async function request(candidate: Candidate): Promise<{ gpu: GPU; adapter: GPUAdapter } | undefined> {
  if (process.platform === 'linux') await ensureLoader(candidate);
  const { create, globals } = await peer('webgpu', () => import('webgpu'), 'WebGPU in Node');
  pollWithPauses(globals as Record<string, unknown>);
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis)) Object.assign(globalThis, { [name]: value });
  }
  const before = driverSettings.map((name) => process.env[name]);
  if (candidate.icd !== undefined) for (const name of driverSettings) process.env[name] = candidate.icd;
  try {
    const gpu = create(settings);
    keptAlive.push(gpu);
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    return adapter ? { gpu, adapter } : undefined;
  } finally {
    driverSettings.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    });
  }
}

/** Dawn's own name of what was opened decides what it is: a driver list may hold a surprise. */
function kindOf(info: GPUAdapterInfo, asked?: AdapterChoice): AdapterChoice {
  const name = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  if (/swiftshader/i.test(name)) return asked === 'chromium' ? 'chromium' : 'swiftshader';
  if (/llvmpipe|lavapipe/i.test(name)) return 'lavapipe';
  return 'gpu';
}

function dawnVersion(): string {
  try {
    return (createRequire(import.meta.url)('webgpu/package.json') as { version: string }).version;
  } catch {
    return '';
  }
}

/** One line that names an adapter, e.g. `SwiftShader driver 5.0.0 · swiftshader · Dawn 0.6.2`. */
export function describeAdapter(adapter: GPUAdapter, kind: AdapterChoice = kindOf(adapter.info)): string {
  const { description, device, architecture } = adapter.info;
  const name = description || device || architecture || 'unnamed adapter';
  return `${name} · ${kind} · Dawn ${dawnVersion()}`.trimEnd();
}

/** Calls take turns: the drivers are chosen through the environment, which two at once would overwrite. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * @throws WgradError 'no-adapter' naming what was tried; 'invalid-argument' for an unknown choice.
 */
export function openAdapter(options: OpenOptions = {}): Promise<OpenedAdapter> {
  const opened = turn.then(() => open(options));
  turn = opened.catch(() => undefined);
  return opened;
}

async function open({ choice = process.env['WGRAD_ADAPTER'] || undefined, log }: OpenOptions): Promise<OpenedAdapter> {
  const tried: string[] = [];
  for await (const candidate of candidates(choice, thisMachine)) {
    const found = await request(candidate);
    const kind = found && kindOf(found.adapter.info, candidate.kind);
    if (found && kind && (candidate.kind === undefined || kind === candidate.kind)) {
      const description = describeAdapter(found.adapter, kind);
      if (kind === 'gpu') pollEagerly();
      log?.(`adapter: ${description}`);
      return { ...found, kind, description };
    }
    const reason = kind ? `is ${kind}` : candidate.kind === 'lavapipe' ? 'refused (Mesa 23 or newer?)' : 'no adapter';
    tried.push(`${candidate.kind ?? 'VK_DRIVER_FILES'} (${candidate.icd ?? 'system'}): ${reason}`);
  }
  for (const one of choice ? [choice] : adapterChoices) {
    // Nothing to open was found for these; with VK_DRIVER_FILES alone they were not looked for.
    if (tried.some((line) => line.startsWith(`${one} `) || line.startsWith('VK_DRIVER_FILES '))) continue;
    tried.push(`${one}: not on this machine`);
  }
  throw new WgradError('no-adapter', `no WebGPU adapter: ${tried.join('; ')}`, {
    remedy:
      'On linux x64 `npm install @sparticuz/chromium` brings a software adapter; else install a Vulkan driver, and check WGRAD_ADAPTER and VK_DRIVER_FILES',
  });
}
