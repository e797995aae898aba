/** What an engine is made with, and the device that comes of it. */
import { WgradError } from './errors.ts';
import type { TuningOptions } from './gemm/choose.ts';
import { describeAdapter, openAdapter } from './gpu/adapter.ts';
import { Device } from './gpu/device.ts';
import type { Variable } from './graph/leaves.ts';
import type { DecodeOptions } from './image/decode.ts';
import type { Image } from './image/image.ts';

/** Options of `Engine.create`. */
export interface EngineOptions {
  /**
   * An adapter of your own, or what requests one, which `engine.restore()` then calls again: an adapter serves one
   * device. Default: the page's `navigator.gpu`. In Node use `createEngine` of 'wgrad/node'.
   */
  adapter?: GPUAdapter | (() => Promise<GPUAdapter>);
  /**
   * A device that another library uses too. The engine never destroys it and takes none of its errors; `dispose` frees
   * what the engine has made on it. Its limits are as it was asked for: wgrad needs WebGPU's defaults.
   */
  device?: GPUDevice;
  /** Which of the page's adapters, where it has several: 'high-performance' (the default) or 'low-power'. */
  powerPreference?: GPUPowerPreference;
  /** Limits that the device must have, for your own work on it; wgrad's own are always asked for. */
  requiredLimits?: Readonly<Record<string, number>>;
  /** Features that it must have. */
  requiredFeatures?: Iterable<GPUFeatureName>;
  /**
   * Bytes that the engine's buffers may take in all: what would go beyond is refused as 'out-of-memory', before it is
   * tried. Default: as many as the GPU gives; with `createEngine` on an adapter that computes on the processor, the
   * machine's memory, which such an adapter promises however much it is.
   */
  memoryLimit?: number;
  /** Printed name of the adapter, kept for reports. */
  description?: string;
  /** How often `engine.restore()` is called by itself after a loss, failed tries included; default 0: never. */
  restores?: number;
  /** What reads pictures' files; default: the browser. In Node `createEngine` gives sharp. */
  decoder?: PictureDecoder;
  /** How kernels for convolutions and matrix products are chosen; see `engine.tune()`. */
  tuning?: TuningOptions;
}

/** Reads a picture's bytes, or the file at a path, to upright 8-bit sRGB. @throws WgradError 'image-decode', 'file-missing'. */
export type PictureDecoder = (source: Uint8Array | string | URL, options: DecodeOptions) => Promise<Image>;

/** Where another device comes from, and what is on it. */
export interface RestoreOptions {
  /** The new one, where the old one was shared. */
  device?: GPUDevice | undefined;
  /** Values of your own, row-major, from a file or a cache; undefined for those that the engine has. */
  values?: (variable: Variable) => Float32Array | undefined | Promise<Float32Array | undefined>;
}

/** Options of `engine.compile()`. */
export interface CompileOptions {
  /** Compilation stops and rejects with its reason. */
  signal?: AbortSignal | undefined;
}

/** A device, another one after its loss, and what it is called. */
interface Opened {
  device: Device;
  /** Undefined where the device is another library's. */
  reopen: (() => Promise<Device>) | undefined;
  /** One line that names the adapter; never empty. */
  description: string;
  restores: number;
}

/** @throws as `Engine.create`. */
export async function openDevice(options: EngineOptions): Promise<Opened> {
  const { adapter, device: given, requiredLimits, requiredFeatures, memoryLimit, restores = 0 } = options;
  if (given && (adapter || requiredLimits || requiredFeatures)) {
    throw new WgradError('invalid-argument', 'a device that is shared is taken as it is', {
      remedy: 'Give the device alone; its adapter, limits and features were settled when it was made',
    });
  }
  if (!Number.isInteger(restores) || restores < 0 || (restores > 0 && given)) {
    throw new WgradError('invalid-argument', `restores is ${restores}; a whole number, and 0 for a shared device`);
  }
  if (memoryLimit !== undefined && !(memoryLimit > 0)) {
    throw new WgradError('invalid-argument', `memoryLimit is ${memoryLimit}; a number of bytes is needed`);
  }
  const open = async () => {
    const own = typeof adapter === 'function' ? await adapter() : adapter;
    const opened = own ?? (await openAdapter(options.powerPreference)).adapter;
    return Device.open(opened, { requiredLimits, requiredFeatures, memoryLimit });
  };
  const device = given ? Device.share(given, memoryLimit) : await open();
  const description = options.description || describeAdapter(device.info);
  return { device, reopen: given ? undefined : open, description, restores };
}
