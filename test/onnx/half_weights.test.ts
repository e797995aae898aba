/** Weights stored as half floats: the same bits as full floats that were rounded beforehand, in half the memory. */
import { describe, expect, it } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import { grad } from '../../src/autograd/grad.ts';
import { fromHalf, toHalf } from '../../src/formats/half.ts';
import type { Choices } from '../../src/gemm/choose.ts';
import { families } from '../../src/gemm/families.ts';
import type { GemmDevice } from '../../src/gemm/family.ts';
import type { GemmProblem } from '../../src/gemm/problem.ts';
import { input, Variable } from '../../src/graph/leaves.ts';
import { Model } from '../../src/model/model.ts';
import { OnnxNetwork } from '../../src/onnx/network.ts';
import type { OnnxGraph } from '../../src/onnx/types.ts';
import * as ops from '../../src/ops/index.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { TrainStep } from '../../src/train/step.ts';
import { adapters } from '../support/adapters.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';

const graph = () =>
  resnetGraph({
    ...{ widths: [8, 12], blocks: [1, 1], strides: [1, 2], stem: 8, side: 16, classes: ['a', 'b', 'c'] },
    ...{ mean: [0, 0, 0], std: [1, 1, 1], seed: 5 },
  });

/** Convolutions of whole groups of channels, rounded on the host. */
function rounded(graph: OnnxGraph): OnnxGraph {
  const initializers = new Map(graph.initializers);
  for (const [name, tensor] of initializers) {
    const { dims, data } = tensor;
    if (dims.length !== 4 || dims[1] === 3) continue;
    initializers.set(name, { ...tensor, data: fromHalf(toHalf(data as Float32Array)) });
  }
  return { ...graph, initializers };
}

const candidates = (problem: GemmProblem, device: GemmDevice) => families.flatMap((f) => f.candidates(problem, device));

const pictures = Float32Array.from(spread(2 * 3 * 16 * 16));
const shape = [2, 3, 16, 16];

describe.each(adapters)('on %s', (_, engine) => {
  it('a model and its gradient have the bits of rounded weights, in half the memory', async () => {
    const results = [];
    for (const model of [
      new Model(engine, new OnnxNetwork(graph(), { weights: 'f16' })),
      new Model(engine, new OnnxNetwork(rounded(graph()))),
    ]) {
      const x = input('x', shape);
      const { logits } = model.graph({ input: x });
      const outputs = { logits, dx: grad(ops.sum(ops.slice(logits, [0, 1], [2, 1])), [x])[0]! };
      const program = await engine.compile({ outputs });
      results.push({ ...(await program.run({ x: pictures })), bytes: program.stats.parameterBytes });
      program.dispose();
      model.dispose();
    }
    const [half, full] = results as [(typeof results)[0], (typeof results)[0]];
    expect(half.logits).toEqual(full.logits);
    expect(half.dx).toEqual(full.dx);
    expect(half.bytes).toBeLessThan(0.6 * full.bytes);
  });

  // Each family compiles a kernel of its own: seconds on an idle machine, more on a busy one.
  it('every kernel family reads them', { timeout: 300_000 }, async () => {
    const [ci, co] = [20, 36];
    const values = spread(co * ci);
    const half = new Variable('half', [co, ci, 1, 1], values, 'hwio', undefined, true);
    const full = new Variable('full', [co, ci, 1, 1], fromHalf(toHalf(values)), 'hwio');
    const { choices } = engine as unknown as { choices: Choices };
    const own = choices.of.bind(choices);
    const x = input('x', [1, ci, 3, 5]);
    const result = async ({ tensor }: Variable, family: string) => {
      choices.of = (problem) => candidates(problem, choices.device).find((c) => c.family === family) ?? own(problem);
      const { y } = await engine.evaluate({ y: ops.conv2d(x, tensor) }, { x: spread(x.size, 2) });
      return y;
    };
    try {
      const expected = await result(full, 'tile');
      for (const { name } of families) {
        // SwiftShader takes ten times as long to compile what is meant for physical GPUs.
        if (name === 'workgroup' && /swiftshader/i.test(engine.description)) continue;
        expect(compare(await result(half, name), expected).maxRel, name).toBeLessThan(tolerance.op);
      }
    } finally {
      choices.of = own;
      engine.release([half, full]);
    }
  });

  it('reads and writes them, and unpacks them for ops that take full floats alone', async () => {
    const model = new Model(engine, new OnnxNetwork(graph(), { weights: 'f16' }));
    const { variable } = model.parameter('layer1.0.conv2.weight');
    expect(variable.half).toBe(true);
    const given = variable.initial;
    const program = await engine.compile({ outputs: { twice: ops.affine(variable.tensor, 2) } });
    const stored = await engine.read(variable);
    expect(stored).toEqual(fromHalf(toHalf(given)));
    expect((await program.run()).twice).toEqual(stored.map((v) => 2 * v));
    await engine.write(variable, given.map((v) => 3 * v)); // prettier-ignore
    expect((await program.run()).twice[5]).toBeCloseTo(6 * given[5]!, 3);
    program.dispose();
    model.dispose();
  });

  it('gives what is unfrozen full precision, and trains that alone', async () => {
    const model = new Model(engine, new OnnxNetwork(graph(), { weights: 'f16' }));
    const name = 'layer2.0.conv2.weight';
    expect(model.trainable().some((v) => v.half)).toBe(false);
    const frozen = await model.run(pictures);
    const before = await model.state();
    model.freeze().unfreeze('layer2', 'fc');
    expect(model.parameter(name).variable.half).toBe(false);
    expect((await model.run(pictures)).logits).toEqual(frozen.logits);
    const step = await TrainStep.create(model, { optimizer: sgd({ lr: 1e-3 }), batch: 2 });
    await step.run(pictures, Int32Array.of(0, 1));
    const after = await model.state();
    expect(after.get(name)).not.toEqual(before.get(name));
    // A step smaller than half precision could hold.
    const moved = after.get(name)!.map((v, i) => Math.abs(v - before.get(name)![i]!));
    expect(moved.filter((v) => v > 0 && v < 2 ** -14).length).toBeGreaterThan(moved.length / 2);
    for (const [other, values] of after) if (other.startsWith('layer1')) expect(values).toEqual(before.get(other));
    step.dispose();
    model.dispose();
  });
});
