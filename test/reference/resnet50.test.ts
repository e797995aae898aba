/** ResNet-50 against PyTorch in float64: forward, input gradients, parameter gradients, statistics, five steps. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { crossEntropy } from '../../src/ops/losses.ts';
import { norm, sum } from '../../src/ops/reduce.ts';
import { slice } from '../../src/ops/slice.ts';
import { affine } from '../../src/ops/unary.ts';
import { loadOnnxFile } from '../../src/node/onnx.ts';
import { adamw, sgd } from '../../src/train/optimizers.ts';
import { TrainStep } from '../../src/train/step.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { golden, goldenModel, type Golden } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

const name = 'resnet50-coarse';
/** A software adapter takes seconds for each pass. */
const patient = 40 * 60_000;
const gradientLimit = { relL2: tolerance.resnetGradient, cosine: tolerance.cosine };

describe.skipIf(!dataFolder)('ResNet-50', () => {
  const row = report('ResNet-50 against PyTorch (float64)');
  const none = undefined as unknown as Golden;
  const forward = dataFolder ? golden(`${name}-forward`) : none;
  const train = dataFolder ? golden(`${name}-train`) : none;
  const plane = 3 * 224 * 224;

  it(
    'logits, activations and input gradients',
    async () => {
      const engine = await testEngine();
      const model = await goldenModel(engine, name);
      const pictures = forward.tensor('input');
      const target = Int32Array.from(forward.tensor('target'));
      const logits: number[] = [];
      for (let i = 0; i < 4; i++)
        logits.push(...(await model.run(pictures.slice(i * plane, (i + 1) * plane)))['logits']!);
      row('logits', logits, forward.tensor('logits'), { maxAbs: tolerance.logits });

      const half = await loadOnnxFile(engine, `${dataFolder}/models/${name}.onnx`, { weights: 'f16' });
      const rounded: number[] = [];
      for (let i = 0; i < 4; i++) rounded.push(...(await half.run(pictures.slice(i * plane, (i + 1) * plane))).logits);
      row('logits, weights in half precision', rounded, forward.tensor('logits'), { maxAbs: tolerance.half });
      for (let i = 0; i < 4; i++) {
        const [a, b] = [logits, rounded].map((all) => half.predicted(all.slice(20 * i, 20 * i + 20)));
        expect(a).toBe(b);
      }
      half.dispose();

      const graph = model.graph();
      const layers = {
        stem: 'stem',
        maxpool: 'maxpool',
        layer1: 'layer1',
        layer2: 'layer2',
        layer3: 'layer3',
        layer4: 'layer4',
      };
      const outputs = Object.fromEntries(Object.entries(layers).map(([key, layer]) => [key, graph.value(layer)]));
      const values = await engine.evaluate(outputs, { [model.inputName]: pictures.slice(0, plane) });
      for (const key of Object.keys(layers)) {
        row(`act.${key}`, values[key]!, forward.tensor(`act.${key}`), { maxRel: tolerance.storedHalf });
      }
      const predicted = forward.values['top5_index'][0][0] as number;
      // The reference is the mean over the four photographs; this is the first one's share of it.
      const loss = affine(crossEntropy(graph.logits, input('target', [1], 'i32')), 1 / 4);
      const scores: Record<string, Tensor> = {
        predicted: slice(graph.logits, [0, predicted], [1, 1]),
        sum_logits: sum(graph.logits),
        ce_loss: loss,
      };
      for (const [key, score] of Object.entries(scores)) {
        const [dx] = grad(score, [graph.input]);
        const program = await engine.compile({ outputs: { dx: dx! } });
        const feeds = {
          [model.inputName]: pictures.slice(0, plane),
          ...(key === 'ce_loss' && { target: target.slice(0, 1) }),
        };
        const { dx: value } = await program.run(feeds);
        program.dispose();
        row(`grad_input.${key}`, value, forward.tensor(`grad_input.${key}`).slice(0, plane), gradientLimit);
      }
      model.dispose();
    },
    patient,
  );

  it.each(['eval', 'train'] as const)(
    'gradients of every parameter, BatchNorm in %s mode',
    async (mode) => {
      const engine = await testEngine();
      const model = (await goldenModel(engine, name)).unfreeze().batchNorm(mode);
      const graph = model.graph({ batch: 4, training: true });
      const loss = crossEntropy(graph.logits, input('target', [4], 'i32'));
      const parameters = model.trainable();
      const gradients = grad(
        loss,
        parameters.map((p) => p.tensor),
      );
      const outputs: Record<string, Tensor> = { loss };
      parameters.forEach((p, i) => {
        outputs[`l2 ${p.name}`] = norm(gradients[i]!);
        if (train.has(`grad.${mode}.${p.name}`)) outputs[p.name] = gradients[i]!;
      });
      const program = await engine.compile({ outputs, updates: graph.updates });
      const target = Int32Array.from(train.tensor('target'));
      const results = await program.run({ [model.inputName]: forward.tensor('input'), target });
      row(`loss.${mode}`, results['loss']!, [train.values[`loss.${mode}`]], { maxRel: tolerance.longSum });
      const norms = train.values[`grad_l2.${mode}`] as Record<string, number>;
      row(
        `grad_l2.${mode} (${parameters.length} parameters)`,
        parameters.map((p) => results[`l2 ${p.name}`]![0]! / norms[p.name]!),
        parameters.map(() => 1),
        { maxAbs: tolerance.resnetGradient },
      );
      for (const p of parameters) {
        const key = `grad.${mode}.${p.name}`;
        if (train.has(key)) row(key, results[p.name]!, train.tensor(key), gradientLimit);
      }
      if (mode === 'train') {
        for (const p of model.network.parameters.values()) {
          const key = `running_after.${p.name}`;
          if (train.has(key)) row(key, await engine.read(p.variable), train.tensor(key), { maxRel: tolerance.longSum });
        }
      }
      program.dispose();
      model.dispose();
    },
    patient,
  );

  const freezeSets: Record<string, (m: Model) => Model> = {
    fc: (m) => m.freeze().unfreeze('fc'),
    'layer4+fc': (m) => m.freeze().unfreeze('layer4', 'fc'),
    all: (m) => m.unfreeze(),
  };
  const optimizers = {
    sgd: () => sgd({ lr: 0.01, momentum: 0.9, weightDecay: 1e-4 }),
    adamw: () => adamw({ lr: 1e-3, weightDecay: 1e-2 }),
  };
  const runs = Object.keys(freezeSets).flatMap((set) =>
    (['sgd', 'adamw'] as const).flatMap((kind) =>
      (set === 'fc' ? (['eval'] as const) : (['eval', 'train'] as const)).map((mode) => [set, kind, mode] as const),
    ),
  );

  it.each(runs)(
    'five steps: %s, %s, BatchNorm in %s mode',
    async (set, kind, mode) => {
      const engine = await testEngine();
      const key = `steps5.${set}.${kind}.bn_${mode}`;
      const model = freezeSets[set]!(await goldenModel(engine, name)).batchNorm(mode === 'train' ? 'auto' : 'eval');
      const step = await TrainStep.create(model, { optimizer: optimizers[kind](), batch: 4 });
      const target = Int32Array.from(train.tensor('target'));
      const losses: number[] = [];
      for (let i = 0; i < 5; i++) losses.push((await step.run(forward.tensor('input'), target)).loss);
      const loose = kind === 'adamw' && set !== 'fc' ? tolerance.adamStepsResnet : tolerance.resnetGradient;
      row(`${key} losses`, losses, train.values[key].loss_before_each_step, { maxRel: loose });
      for (const p of model.trainable()) {
        const value = await engine.read(p);
        if (train.has(`${key}.${p.name}`))
          row(`${key}.${p.name}`, value, train.tensor(`${key}.${p.name}`), { relL2: loose });
        const first = `${key}.${p.name}.row0_15`;
        if (train.has(first))
          row(first, value.slice(0, train.tensor(first).length), train.tensor(first), { relL2: loose });
      }
      step.dispose();
      model.dispose();
    },
    patient,
  );
});
