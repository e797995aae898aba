/** The job that Node and a page both do: logits, an input gradient, one training step. Runs in either. */
import { grad, Model, sum, type Engine } from '../../src/index.ts';
import { importOnnx } from '../../src/onnx/index.ts';
import { sgd, TrainStep } from '../../src/train/index.ts';

export interface JobResult {
  logits: number[];
  gradient: number[];
  loss: number;
  head: number[];
}

export async function job(engine: Engine, onnx: Uint8Array, pixels: Float32Array): Promise<JobResult> {
  const model = new Model(engine, await importOnnx(onnx));
  const graph = model.graph();
  const [dx] = grad(sum(graph.logits), [graph.input]);
  const values = await engine.evaluate({ logits: graph.logits, dx: dx! }, { [model.inputName]: pixels });
  model.freeze().unfreeze('layer4', 'fc').batchNorm('auto');
  const step = await TrainStep.create(model, { optimizer: sgd({ lr: 0.1, momentum: 0.9 }), batch: 1 });
  const { loss } = await step.run(pixels, Int32Array.of(1));
  const head = await engine.read(model.parameter('fc.weight').variable);
  step.dispose();
  model.dispose();
  return { logits: [...values.logits], gradient: [...values.dx], loss, head: [...head] };
}
