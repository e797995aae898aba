/** ONNX Runtime Web, WebGPU or WebAssembly: inference of the same file. */
import * as ort from 'onnxruntime-web/webgpu';
import type { Contestant, Entry, NetworkSource, Task } from '../core/case.ts';
import { pictures } from '../core/operands.ts';
import type { OpenPeer } from '../page/page.ts';

type Provider = 'webgpu' | 'wasm';

ort.env.wasm.wasmPaths = '/assets/onnxruntime-web/';
ort.env.logLevel = 'error';

const open = async ({ bytes }: NetworkSource, provider: Provider) =>
  ort.InferenceSession.create(bytes, { executionProviders: [provider], graphOptimizationLevel: 'all' });

async function inference(network: NetworkSource, provider: Provider, batch: number): Promise<Entry> {
  const session = await open(network, provider);
  const { side } = network;
  const x = new ort.Tensor('float32', pictures(batch, network), [batch, 3, side, side]);
  const feeds = { [session.inputNames[0]!]: x };
  let logits = new Float32Array();
  return {
    async run() {
      logits = (await session.run(feeds))[session.outputNames[0]!]!.data as Float32Array<ArrayBuffer>;
    },
    outputs: () => Promise.resolve({ logits }),
    dispose: () => void session.release(),
  };
}

/** The session reads, uploads and compiles; its library is loaded already. */
const startup = (network: NetworkSource, provider: Provider): Entry => ({
  async run() {
    const { side } = network;
    const started = performance.now();
    const session = await open(network, provider);
    const opened = performance.now();
    const x = new ort.Tensor('float32', pictures(1, network), [1, 3, side, side]);
    await session.run({ [session.inputNames[0]!]: x });
    const ended = performance.now();
    await session.release();
    return { session: opened - started, 'first run': ended - opened };
  },
  dispose: () => undefined,
});

export const openOrt =
  (provider: Provider): OpenPeer =>
  async ({ network }) => {
    const trial = await open(network, provider);
    await trial.release();
    const device = provider === 'webgpu' ? ((await ort.env.webgpu.device) as GPUDevice | undefined) : undefined;
    if (provider === 'webgpu' && !device) throw new Error('onnxruntime-web has no WebGPU device');
    const contestant: Contestant = {
      name: `ort-${provider}`,
      version: ort.env.versions.web ?? '',
      backend: device
        ? `webgpu: ${device.adapterInfo?.description ?? ''}`
        : `wasm, ${ort.env.wasm.numThreads ?? 1} threads`,
      ...(device ? {} : { context: 'on the processor, without WebGPU' }),
      queue: device?.queue,
      enter(task: Task) {
        if (task.kind === 'inference') return inference(network, provider, task.batch);
        return task.kind === 'startup' ? Promise.resolve(startup(network, provider)) : undefined;
      },
      dispose: () => undefined,
    };
    return contestant;
  };
