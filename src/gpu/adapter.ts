/** An adapter in a page: three faults, three errors. */
import { WgradError } from '../errors.ts';

export interface OpenedAdapter {
  adapter: GPUAdapter;
  /** One line that names it. */
  description: string;
}

/** @throws WgradError 'insecure-context', 'no-webgpu', 'no-adapter'. */
export async function openAdapter(): Promise<OpenedAdapter> {
  const scope = globalThis as { isSecureContext?: boolean; navigator?: { gpu?: GPU } };
  if (scope.isSecureContext === false) {
    throw new WgradError('insecure-context', 'WebGPU is withheld from this page: it is not a secure context', {
      remedy: 'Serve it over https, or from localhost',
    });
  }
  const gpu = scope.navigator?.gpu;
  if (!gpu) {
    throw new WgradError('no-webgpu', 'this browser has no WebGPU (navigator.gpu is absent)', {
      remedy: 'Use a current Chrome, Edge, Firefox or Safari; in headless Chromium add --enable-unsafe-webgpu',
    });
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
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
