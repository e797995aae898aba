/** Files in training mode do as they say and warn; older files and com.microsoft's ops (test/support/cases.ts). */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { mul, sum } from '../../src/ops/index.ts';
import type { Model } from '../../src/model/model.ts';
import { openCase } from '../support/cases.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { f32, i64, model, node, pattern, smallSpec, value } from './builder.ts';
import { onnxruntime } from './oracle.ts';

/** The first output and the input gradient of a case. */
async function answer(of: Model, name: string) {
  const c = openCase(name);
  const { input: picture, outputs } = of.graph({ batch: c.shape('x')[0]! });
  const y = Object.values(outputs)[0]!;
  const [dx] = c.has('dx') ? grad(sum(mul(y, constant(c.tensor('cotangent'), y.shape))), [picture]) : [y];
  return of.engine.evaluate({ y, dx: dx! }, { [of.inputName]: c.tensor('x') });
}

describe.each(['batchnorm-training-mode', 'sum-op', 'prelu-arcface'])('%s', (name) => {
  it('has the right values and gradient', async () => {
    const c = openCase(name);
    using of = await c.load(await testEngine());
    const { y, dx } = await answer(of, name);
    expect(compare(y, c.tensor('y')).maxAbs).toBeLessThan(tolerance.logits);
    if (c.has('dx')) expect(compare(dx, c.tensor('dx')).relL2).toBeLessThan(tolerance.miniGradient);
  });
});

it('the slope of a PRelu is trainable', async () => {
  using of = await openCase('prelu-arcface').load(await testEngine());
  const slopes = of.trainable().filter(({ name }) => /slope|prelu/i.test(name));
  expect(slopes.length).toBeGreaterThan(0);
});

describe('BatchNormalization in training mode', () => {
  it('normalises by the batch, and a warning names the nodes and the choice', async () => {
    using of = await openCase('batchnorm-training-mode').load(await testEngine());
    expect(of.warnings).toEqual([expect.stringMatching(/BatchNormalization in training mode \('.+'\).*batchNorm: 'running'/)]); // prettier-ignore
  });

  it("normalises by the running statistics with batchNorm: 'running'", async () => {
    const name = 'batchnorm-training-mode';
    using of = await openCase(name).load(await testEngine(), { batchNorm: 'running' });
    const { y } = await answer(of, name);
    expect(compare(y, openCase(name).tensor('y')).maxAbs).toBeGreaterThan(1);
    expect(of.warnings).toEqual([expect.stringContaining('though the file says by the batch')]);
  });

  it('of weights (weight standardisation) needs no warning, and goes by the weights whatever was chosen', async () => {
    const spec = smallSpec();
    const bytes = model({
      ...spec,
      opset: 15,
      nodes: [
        node('Reshape', ['conv1.weight', 'flat'], ['w3'], {}, 'flatten'),
        node('BatchNormalization', ['w3', 'one', 'zero', 'zero', 'one'], ['ws'], { training_mode: 1 }, 'standardise'),
        node('Reshape', ['ws', 'full'], ['weight'], {}, 'restore'),
        ...spec.nodes!.map((n) => ({ ...n, input: n.input!.map((i) => (i === 'conv1.weight' ? 'weight' : i)) })),
      ],
      initializers: [
        ...spec.initializers!,
        f32('one', [4], [1, 1, 1, 1]),
        f32('zero', [4], [0, 0, 0, 0]),
        i64('flat', [3], [1, 4, 27]),
        i64('full', [4], [4, 3, 3, 3]),
      ],
    });
    const network = await importOnnx(bytes, { batchNorm: 'running' });
    expect(network.warnings).toEqual([]);
    expect([...network.parameters.keys()]).toContain('conv1.weight');
  });
});

it('Dropout in training mode drops nothing, and a warning names it', async () => {
  const bytes = model({
    nodes: [node('Dropout', ['x', '', 'mode'], ['y'], {}, 'drop')],
    initializers: [{ name: 'mode', dims: [], dataType: 9, rawData: Uint8Array.of(1) }],
    outputs: [value('y', ['N', 3, 8, 8])],
  });
  expect((await importOnnx(bytes)).warnings).toEqual([expect.stringContaining("('drop') drops nothing")]);
});

it('rounding of activations is warned of: no gradient passes it', async () => {
  const bytes = model({
    nodes: [
      node('QuantizeLinear', ['x', 's'], ['q'], {}, 'quantise'),
      node('DequantizeLinear', ['q', 's'], ['y'], {}, 'back'),
    ],
    initializers: [f32('s', [], [0.1])],
    outputs: [value('y', ['N', 3, 8, 8])],
  });
  expect((await importOnnx(bytes)).warnings).toEqual([expect.stringContaining("('quantise') rounds")]);
});

it('a saved model names the operator sets of its ops, com.microsoft among them', async () => {
  const spec = smallSpec();
  const fused = { ...node('Gelu', ['a'], ['b'], {}, 'g1'), domain: 'com.microsoft' };
  const nodes = spec.nodes!.map((n) => (n.opType === 'Relu' ? fused : n));
  const network = await importOnnx(model({ ...spec, nodes, domains: { 'com.microsoft': 1 } }));
  const saved = await network.save(new Map(), new Map());
  const x = pattern(3 * 64, 5);
  const { data } = await onnxruntime(saved, x, [1, 3, 8, 8]);
  const engine = await testEngine();
  const { y } = network.build({ inputs: { x: input('x', [1, 3, 8, 8]) } }).outputs;
  expect(compare((await engine.evaluate({ y: y! }, { x })).y, data).maxRel).toBeLessThan(tolerance.op);
});
