/** An adapter in a page: three faults, three errors. */
import { WgradError } from '../errors.ts';

export interface OpenedAdapter {
  adapter: GPUAdapter;
  /** One line that names it. */
  description: string;
}

/** @throws WgradError 'insecure-context', 'no-webgpu', 'no-adapter'. */
export async function openAdapter(powerPreference: GPUPowerPreference = 'high-performance'): Promise<OpenedAdapter> {
  const scope = globalThis as { isSecureContext?: boolean; navigator?: { gpu?: GPU } };
  if (scope.isSecureContext === false) {
    throw new WgradError('insecure-context', 'WebGPU is withheld from this page: it is not a secure context', {
      remedy: 'Serve it over https, or from localhost',
    });
  }
  const gpu = scope.navigator?.gpu;
  if (!gpu) {
    const isPage = scope.isSecureContext !== undefined;
    throw new WgradError('no-webgpu', `${isPage ? 'this browser' : 'this runtime'} has no WebGPU (navigator.gpu is absent)`, {
      remedy: isPage
        ? 'Use a current Chrome, Edge, Firefox or Safari; in headless Chromium add --enable-unsafe-webgpu'
        : "In Node call createEngine() of 'wgrad/node'",
    }); // prettier-ignore
  }
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (!adapter) {
    throw new WgradError('no-adapter', 'WebGPU is there, but it offers no adapter', {
      remedy: 'Switch hardware acceleration on, or start Chromium with --use-webgpu-adapter=swiftshader',
    });
  }
  return { adapter, description: describeAdapter(adapter.info) };
}

/** One line that names an adapter, whatever of its names the browser tells. */
export const describeAdapter = ({ vendor, architecture, description }: GPUAdapterInfo): string =>
  [description, vendor, architecture].filter(Boolean).join(' · ') || 'unnamed adapter';

/** Whether the "GPU" is this machine's processor: by the browser's word, or by the names of the known ones. */
export const isSoftwareAdapter = (info: GPUAdapterInfo): boolean =>
  info.isFallbackAdapter === true ||
  /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/i.test(
    `${info.vendor} ${info.architecture} ${info.device} ${info.description}`,
  );

/** What to expect of a software adapter: for whoever shows it, once. */
export const SOFTWARE_NOTE =
  'This adapter is software: it computes on the processor. For inference alone a WebAssembly runtime is about ten times as fast; training and explaining have no such alternative.';
