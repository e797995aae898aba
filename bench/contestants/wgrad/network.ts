/** Uses of the whole network: inference, saliency, integrated gradients, a training step, the start, memory. */
import { grad } from '../../../src/autograd/grad.ts';
import type { Engine } from '../../../src/engine.ts';
import { createExplainer } from '../../../src/explain/index.ts';
import { input } from '../../../src/graph/leaves.ts';
import type { Tensor } from '../../../src/graph/tensor.ts';
import { Model } from '../../../src/model/model.ts';
import { importOnnx } from '../../../src/onnx/network.ts';
import { slice } from '../../../src/ops/slice.ts';
import { sum } from '../../../src/ops/reduce.ts';
import type { Program } from '../../../src/plan/program.ts';
import { sgd, TrainStep } from '../../../src/train/index.ts';
import type { Entry, MemoryTask, NetworkSource, NetworkTask, StepTask } from '../../core/case.ts';
import { PATH_NODES, pictures, SGD, sizeOf, targets } from '../../core/operands.ts';
import { byKernel, programEntry, timestamps, touch } from './layers.ts';

export interface NetworkHost {
  engine: Engine;
  /** Another one, on a device of its own on the same adapter: nothing is compiled yet. */
  another(): Promise<Engine>;
  source: NetworkSource;
}

export const openModel = async ({ engine, source }: Pick<NetworkHost, 'engine' | 'source'>): Promise<Model> =>
  new Model(engine, await importOnnx(source.bytes, { again: () => Promise.resolve(source.bytes) }));

/** Logits, or the gradient of each picture's first logit. */
function outputsOf(model: Model, use: 'inference' | 'saliency', batch: number): Record<string, Tensor> {
  const graph = model.graph({ input: input(model.inputName, [batch, ...model.pictureShape]) });
  if (use === 'inference') return { logits: graph.logits };
  return { dx: grad(sum(slice(graph.logits, [0, 0], [batch, 1])), [graph.input])[0]! };
}

/** The forward pass that others are measured by. */
export async function forwardOf({ engine, source }: NetworkHost, model: Model, batch: number) {
  const program = await engine.compile({ outputs: outputsOf(model, 'inference', batch) });
  const feeds = { [model.inputName]: pictures(batch, source) };
  return { run: () => program.run(feeds), dispose: () => program.dispose() };
}

export async function networkEntry(host: NetworkHost, task: NetworkTask): Promise<Entry> {
  if (task.kind === 'integrated-gradients') return pathEntry(host, task.batch);
  const { engine, source } = host;
  const model = await openModel(host);
  const program: Program<string> = await engine.compile({ outputs: outputsOf(model, task.kind, task.batch) });
  const feeds = { [model.inputName]: pictures(task.batch, source) };
  let last = {};
  return {
    ...programEntry(program, feeds, timestamps(engine)),
    async run() {
      last = await program.run(feeds);
    },
    outputs: () => Promise.resolve(last),
    dispose() {
      program.dispose();
      model.dispose();
    },
  };
}

async function pathEntry(host: NetworkHost, batch: number): Promise<Entry> {
  const model = await openModel(host);
  const explainer = await createExplainer(model, { method: 'integrated-gradients', steps: PATH_NODES, batch });
  const picture = pictures(1, host.source);
  let map: Float32Array = new Float32Array();
  return {
    async run() {
      ({ map } = await explainer.run(picture, { target: 0 }));
    },
    outputs: () => Promise.resolve({ map }),
    dispose() {
      explainer.dispose();
      model.dispose();
    },
  };
}

async function openStep(host: NetworkHost, { unfrozen, batch }: Pick<StepTask, 'unfrozen' | 'batch'>) {
  const model = await openModel(host);
  model
    .freeze()
    .unfreeze(...unfrozen)
    .batchNorm('auto');
  const step = await TrainStep.create(model, { batch, optimizer: sgd(SGD) });
  return { model, step };
}

/** The first two steps are compared by their losses: the second shows the update of the first. */
export async function stepEntry(host: NetworkHost, task: StepTask): Promise<Entry> {
  const { model, step } = await openStep(host, task);
  const feeds = [pictures(task.batch, host.source), targets(task.batch, host.source.classes)] as const;
  const losses: number[] = [];
  return {
    async run() {
      losses.push((await step.run(...feeds)).loss);
    },
    outputs: () => Promise.resolve({ losses: Float32Array.from(losses.slice(0, 2)) }),
    figures: () => programEntry(step.program, {}, false).figures(),
    gpu: () =>
      timestamps(host.engine) ? step.profile(...feeds, { rounds: 3 }).then(byKernel) : Promise.resolve(undefined),
    dispose() {
      step.dispose();
      model.dispose();
    },
  };
}

/** Everything anew: device, file, weights, kernels. */
export async function startupEntry({ another, source }: NetworkHost): Promise<Entry> {
  const picture = pictures(1, source);
  return {
    async run() {
      const parts: Record<string, number> = {};
      let at = performance.now();
      const part = (name: string) => {
        const now = performance.now();
        parts[name] = now - at;
        at = now;
      };
      const engine = await another();
      part('device');
      const model = await openModel({ engine, source });
      part('parse');
      const variables = [...model.network.parameters.values()].map((p) => p.variable);
      const uploaded = await engine.compile({ outputs: {}, updates: variables.map(touch) });
      await engine.gpuDevice.queue.onSubmittedWorkDone();
      part('upload');
      const program = engine.prepare({ outputs: { logits: model.graph().logits } });
      part('plan');
      await program.compiled;
      part('compile');
      await program.run({ [model.inputName]: picture });
      part('first run');
      uploaded.dispose();
      model.dispose();
      await engine.dispose();
      return parts;
    },
    dispose: () => undefined,
  };
}

/** @param hostBytes of the process, where it can be asked. */
export async function memoryEntry(
  host: NetworkHost,
  { use, batch }: MemoryTask,
  hostBytes: (() => Promise<number>) | undefined,
): Promise<Entry> {
  const before = await hostBytes?.();
  const { program, end } = use === 'step' ? await stepInUse(host, batch) : await passInUse(host, use, batch);
  const after = await hostBytes?.();
  const { plannedBytes, lowerBoundBytes, parameterBytes, staticBytes, inputBytes } = program.stats;
  const figures = {
    'planned bytes': plannedBytes,
    'lower bound bytes': lowerBoundBytes,
    'parameter bytes': parameterBytes,
    'static bytes': staticBytes,
    'input bytes': inputBytes,
    'device bytes': host.engine.memory.bytes,
    ...(before === undefined ? {} : { 'host bytes kept': after! - before }),
  };
  return {
    run: () => Promise.resolve(),
    figures: () => figures,
    dispose: end,
  };
}

async function stepInUse(host: NetworkHost, batch: number) {
  const { model, step } = await openStep(host, { unfrozen: ['layer4', 'fc'], batch });
  const end = () => {
    step.dispose();
    model.dispose();
  };
  return { program: step.program, end };
}

async function passInUse(host: NetworkHost, use: 'inference' | 'saliency', batch: number) {
  const model = await openModel(host);
  const program = await host.engine.compile({ outputs: outputsOf(model, use, batch) });
  await program.run({ [model.inputName]: new Float32Array(batch * sizeOf(model.pictureShape)) });
  const end = () => {
    program.dispose();
    model.dispose();
  };
  return { program, end };
}
