/** Training of the mini models against PyTorch: every gradient, running statistics, five steps of SGD and AdamW. */
import { describe, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { crossEntropy } from '../../src/ops/losses.ts';
import { adamw, sgd } from '../../src/train/optimizers.ts';
import { TrainStep } from '../../src/train/step.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { golden, goldenModel, type Golden } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

const cases = [
  ['mini-bottleneck', 'mini-legacy'],
  ['mini-basic', 'mini-dynamo-bn'],
  ['mini-identity', 'mini-identity'],
] as const;

const optimizers = {
  sgd: () => sgd({ lr: 0.01, momentum: 0.9, weightDecay: 1e-4 }),
  adamw: () => adamw({ lr: 1e-3, weightDecay: 1e-2 }),
};

const trainable = (model: Model) => [...model.network.parameters.values()].filter((p) => p.trainable);

describe.skipIf(!dataFolder).each(cases)('training %s', (name, file) => {
  const row = report(`training of ${file} against PyTorch (float64)`);
  const reference = dataFolder ? golden(name) : (undefined as unknown as Golden);
  const target = dataFolder ? Int32Array.from(reference.tensor('target')) : new Int32Array();

  it.each(['eval', 'train'] as const)('gradients with BatchNorm in %s mode', async (mode) => {
    const engine = await testEngine();
    const model = (await goldenModel(engine, file)).unfreeze().batchNorm(mode);
    const graph = model.graph({ batch: target.length, training: true });
    const loss = crossEntropy(graph.logits, input('target', [target.length], 'i32'));
    const parameters = trainable(model);
    const gradients = grad(
      loss,
      parameters.map((p) => p.variable.tensor),
    );
    const outputs: Record<string, Tensor> = { loss };
    parameters.forEach((p, i) => (outputs[p.name] = gradients[i]!));
    const program = await engine.compile({ outputs, updates: graph.updates });
    const results = await program.run({ [model.inputName]: reference.tensor('input'), target });
    row(`loss.${mode}`, results['loss']!, [reference.values[`loss.${mode}`]], { maxRel: tolerance.longSum });
    const stored = parameters.filter((p) => reference.has(`grad.${mode}.${p.name}`));
    const norms = reference.values[`grad_l2.${mode}`] as Record<string, number>;
    row(
      `grad_l2.${mode} (${parameters.length} parameters)`,
      parameters.map((p) => Math.hypot(...results[p.name]!) / norms[p.name]!),
      parameters.map(() => 1),
      { maxAbs: tolerance.miniGradient },
    );
    for (const p of stored) {
      const limit = { relL2: tolerance.miniGradient, cosine: tolerance.cosine };
      row(`grad.${mode}.${p.name}`, results[p.name]!, reference.tensor(`grad.${mode}.${p.name}`), limit);
    }
    if (mode === 'train') {
      for (const p of model.network.parameters.values()) {
        if (p.trainable || !reference.has(`running_after.${p.name}`)) continue;
        const expected = reference.tensor(`running_after.${p.name}`);
        row(`running_after.${p.name}`, await engine.read(p.variable), expected, { maxRel: tolerance.op });
      }
    }
    program.dispose();
    model.dispose();
  });

  it.each(['sgd', 'adamw'] as const)('five steps of %s', async (kind) => {
    const engine = await testEngine();
    for (const mode of ['eval', 'train'] as const) {
      const key = `steps5.${kind}.bn_${mode}`;
      const wanted = reference.values[key];
      const model = (await goldenModel(engine, file)).unfreeze().batchNorm(mode);
      const step = await TrainStep.create(model, { optimizer: optimizers[kind](), batch: target.length });
      const losses: number[] = [];
      for (let i = 0; i < 5; i++) losses.push((await step.run(reference.tensor('input'), target)).loss);
      const loose = kind === 'adamw' ? tolerance.adamSteps : tolerance.miniGradient;
      row(`${key} losses`, losses, wanted.loss_before_each_step, { maxRel: loose });
      for (const name of ['fc.weight', 'fc.bias', 'conv1.weight', 'bn1.weight', 'bn1.bias']) {
        const value = await engine.read(model.parameter(name).variable);
        row(`${key}.${name}`, value, reference.tensor(`${key}.${name}`), { relL2: loose });
      }
      step.dispose();
      model.dispose();
    }
  });
});
