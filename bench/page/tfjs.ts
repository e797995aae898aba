/** tfjs-webgpu in a page, on a device of its own. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { tfjsContestant } from '../contestants/tfjs/index.ts';
import { gpuBackend } from '../hosts/tfjs_webgpu.ts';
import type { OpenPeer } from './page.ts';

export const openTfjs: OpenPeer = async ({ network }) => {
  const open = async () => (await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }))!;
  const { queue, another } = await gpuBackend(tf, WebGPUBackend, open);
  return tfjsContestant({ tf, backend: 'webgpu', network, queue, another });
};
