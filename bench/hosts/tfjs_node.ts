/** tfjs-webgpu on a device of its own on the same adapter, in this process. */
import * as tf from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { openAdapter } from '../../src/node/adapter.ts';
import type { Contestant, NetworkSource } from '../core/case.ts';
import { tfjsContestant } from '../contestants/tfjs/index.ts';
import { gpuBackend } from './tfjs_webgpu.ts';

// The package's bundle for Node leaves the gradients out; its single files are modules that only tsx's require resolves.
createRequire(import.meta.url)('@tensorflow/tfjs-core/dist/register_all_gradients.js');

export async function openTfjs(network: NetworkSource): Promise<Contestant> {
  const { gpu } = await openAdapter();
  // tfjs asks whether there is WebGPU at all in the place where a page has it.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  const open = async () => (await openAdapter()).adapter;
  const { queue, another } = await gpuBackend(tf, WebGPUBackend, open);
  return tfjsContestant({ tf, backend: 'webgpu', network, queue, another });
}
