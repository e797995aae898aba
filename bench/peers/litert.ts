/** LiteRT.js, WebGPU or XNNPack in WebAssembly: inference of the network as bench/peers/tflite.py writes it. */
import { getWebGpuDevice, loadAndCompile, loadLiteRt, Tensor } from '@litertjs/core';
import { reorder } from '../../src/graph/layout.ts';
import type { Contestant, Entry, NetworkSource, Task } from '../core/case.ts';
import { pictures } from '../core/operands.ts';
import type { OpenPeer } from '../page/page.ts';

type Accelerator = 'webgpu' | 'wasm';

let loaded: Promise<unknown> | undefined;

async function open(bytes: Uint8Array, accelerator: Accelerator) {
  const model = await loadAndCompile(bytes, { accelerator });
  // Where an op is missing it would run all of the network without WebGPU, with a line in the console.
  if (accelerator === 'webgpu' && !model.isFullyAccelerated) {
    model.delete();
    throw new Error('LiteRT.js does not run all of the network on WebGPU');
  }
  return model;
}

/** Channels last, batch 1: the file is of that shape. */
const picture = (network: NetworkSource) => {
  const { side } = network;
  const data = reorder(pictures(1, network), [1, 3, side, side], 'row', 'nhwc');
  return Tensor.fromTypedArray(data as Float32Array<ArrayBuffer>, [1, side, side, 3]);
};

async function logitsOf(model: Awaited<ReturnType<typeof open>>, input: Tensor): Promise<Float32Array<ArrayBuffer>> {
  const [output] = await model.run([input]);
  const data = Float32Array.from(await output!.data());
  output!.delete();
  return data;
}

async function inference(bytes: Uint8Array, network: NetworkSource, accelerator: Accelerator): Promise<Entry> {
  const model = await open(bytes, accelerator);
  const host = picture(network);
  const input = accelerator === 'webgpu' ? await host.moveTo('webgpu') : host;
  let logits = new Float32Array();
  return {
    async run() {
      logits = await logitsOf(model, input);
    },
    outputs: () => Promise.resolve({ logits }),
    dispose() {
      input.delete();
      model.delete();
    },
  };
}

const startup = (bytes: Uint8Array, network: NetworkSource, accelerator: Accelerator): Entry => ({
  async run() {
    const started = performance.now();
    const model = await open(bytes, accelerator);
    const opened = performance.now();
    const input = picture(network);
    await logitsOf(model, input);
    const ended = performance.now();
    input.delete();
    model.delete();
    return { model: opened - started, 'first run': ended - opened };
  },
  dispose: () => undefined,
});

export const openLiteRt =
  (accelerator: Accelerator): OpenPeer =>
  async ({ network, extra }) => {
    loaded ??= loadLiteRt('/assets/litert/');
    await loaded;
    const bytes = extra['tflite']!;
    const device = accelerator === 'webgpu' ? (getWebGpuDevice() ?? undefined) : undefined;
    (await open(bytes, accelerator)).delete();
    const contestant: Contestant = {
      name: `litert-${accelerator}`,
      version: '2.5.3',
      backend: accelerator === 'webgpu' ? 'webgpu, all of the network' : 'XNNPack in wasm',
      ...(accelerator === 'wasm' ? { context: 'on the processor, without WebGPU' } : {}),
      queue: device?.queue,
      enter(task: Task) {
        if (task.kind === 'startup') return Promise.resolve(startup(bytes, network, accelerator));
        const can = task.kind === 'inference' && task.batch === 1;
        return can ? inference(bytes, network, accelerator) : undefined;
      },
      dispose: () => undefined,
    };
    return contestant;
  };
