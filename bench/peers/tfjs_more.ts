/** tfjs on its other backends, which do not use WebGPU: context. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgl';
import { tfjsContestant } from '../contestants/tfjs/index.ts';
import type { OpenPeer } from '../page/page.ts';

const contexts = {
  wasm: 'on the processor, without WebGPU',
  webgl: 'WebGL on the same machine, not the same adapter',
} as const;

export const openTfjs =
  (backend: keyof typeof contexts): OpenPeer =>
  async ({ network }) => {
    setWasmPaths('/assets/tfjs-backend-wasm/');
    await tf.setBackend(backend);
    await tf.ready();
    if (tf.getBackend() !== backend) throw new Error(`tfjs fell back to ${tf.getBackend()}`);
    return tfjsContestant({ tf, backend, network, context: contexts[backend] });
  };
