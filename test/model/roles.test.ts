/** What the parts of a network are for, on models that people have (test/support/cases.ts). */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { ascend, inputSpace, logit } from '../../src/ascent/index.ts';
import { explain } from '../../src/explain/index.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { channelsFirst, openCase } from '../support/cases.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const softmax = (row: ArrayLike<number>) => {
  const powers = Array.from(row, (v) => Math.exp(v - Math.max(...Array.from(row))));
  return powers.map((p) => p / powers.reduce((a, b) => a + b));
};

/** The first output and, where there is one, the gradient, against the reference. */
async function matches(name: string, picture = (c: ReturnType<typeof openCase>) => c.tensor('x')) {
  const it = openCase(name);
  const engine = await testEngine();
  const model = await it.load(engine);
  const batch = it.shape('x')[0]!;
  const graph = model.graph({ batch });
  const y = Object.values(graph.outputs)[0]!;
  const outputs: Record<string, Tensor> = it.has('dx')
    ? { y, dx: grad(sum(mul(y, constant(it.tensor('cotangent'), it.shape('cotangent')))), [graph.input])[0]! }
    : { y };
  const out = await engine.evaluate(outputs, { [model.inputName]: picture(it) });
  expect(compare(out['y']!, it.tensor('y')).maxAbs).toBeLessThan(tolerance.logits);
  if (it.has('dx')) expect(compare(out['dx']!, it.tensor('dx')).relL2).toBeLessThan(tolerance.miniGradient);
  return { model, it, engine };
}

describe('the class output', () => {
  it.each([
    ['conv-head-4d-output', 'cls'],
    ['conv-head-reshape', 'cls'],
    ['labels-csv', 'fc'],
    ['four-channels', 'fc'],
    ['one-channel', 'fc'],
    ['weights-in-constant-nodes', 'fc'],
    ['batch-fixed-at-1', 'fc'],
  ])('%s: counted on the class axis, with its head', async (name, head) => {
    const { model, it } = await matches(name);
    expect(model.classes).toBe(5);
    expect(model.roles.scores).toMatchObject({ tail: 'none', kind: 'single-label', classAxis: 1, count: 5, head });
    const batch = it.shape('x')[0]!;
    expect(model.graph({ batch }).logits.shape).toEqual([batch, 5]);
    const { logits, probabilities } = await model.run(it.tensor('x'));
    expect(compare(logits, it.tensor('y')).maxAbs).toBeLessThan(tolerance.logits);
    expect(compare(probabilities.subarray(0, 5), softmax(logits.subarray(0, 5))).maxAbs).toBeLessThan(tolerance.op);
    model.dispose();
  });

  it('is found among several outputs, or taken by name; other names are refused with the choices', async () => {
    const it = openCase('two-outputs');
    const engine = await testEngine();
    const model = await it.load(engine);
    expect(model.roles.scores!.output).toBe('logits');
    const out = await model.run(it.tensor('x'));
    expect(compare(out.logits, it.tensor('logits')).maxAbs).toBeLessThan(tolerance.logits);
    expect(compare(out['last_hidden_state']!, it.tensor('last_hidden_state')).maxAbs).toBeLessThan(tolerance.logits);
    expect((await model.classify(it.tensor('x').subarray(0, 3 * 32 * 32))).map((c) => c.index).sort()).toEqual([0, 1, 2, 3, 4]); // prettier-ignore
    model.dispose();

    for (const [output, message] of [
      ['last_hidden_state', /'last_hidden_state' holds no scores.*'last_hidden_state' \[N,12,8,8\], 'logits' \[N,5\]/],
      ['probs', /no output 'probs'.*'logits'/],
    ] as const) {
      const other = await it.load(engine, { output });
      expect(() => other.classes).toThrow(expect.objectContaining({ code: 'invalid-argument', message: expect.stringMatching(message) })); // prettier-ignore
      await expect(explain(other, it.tensor('x').subarray(0, 3072), { method: 'gradient' })).rejects.toMatchObject({
        code: 'invalid-argument',
      });
      other.dispose();
    }
  });
});

describe('the tail', () => {
  it('ends-in-softmax: probabilities as they are, logits before them, attributions of the logit', async () => {
    const { model, it, engine } = await matches('ends-in-softmax');
    expect(model.roles.scores).toMatchObject({ tail: 'softmax', kind: 'single-label' });
    const { logits, probabilities } = await model.run(it.tensor('x'));
    expect(compare(probabilities, it.tensor('y')).maxAbs).toBeLessThan(tolerance.op);
    expect(compare(softmax(logits.subarray(0, 5)), it.tensor('y').subarray(0, 5)).maxAbs).toBeLessThan(tolerance.op);
    expect(model.warnings.join()).toMatch(/'logits' holds probabilities/);

    const x = it.tensor('x').subarray(0, 3 * 32 * 32);
    const [first] = await model.classify(x);
    expect(first!.probability).toBeCloseTo(Math.max(...it.tensor('y').subarray(0, 5)), 5);
    const map = await explain(model, x, { method: 'gradient', target: first!.index });
    const graph = model.graph();
    const picked = mul(
      graph.logits,
      constant(
        [0, 1, 2, 3, 4].map((k) => Number(k === first!.index)),
        [1, 5],
      ),
    );
    const direct = await engine.evaluate({ g: grad(sum(picked), [graph.input])[0]! }, { [model.inputName]: x });
    expect(map.map).toEqual(direct.g);
    expect(map.score).toBeCloseTo(logits[first!.index]!, 4);
    model.dispose();
  });

  it('one-logit: a sigmoid, two classes, and each explained', async () => {
    const { model, it } = await matches('one-logit');
    expect(model.roles.scores).toMatchObject({ kind: 'binary', count: 1, head: 'fc' });
    expect(model.classes).toBe(2);
    const x = it.tensor('x').subarray(0, 3 * 32 * 32);
    const z = it.tensor('y')[0]!;
    const top = await model.classify(x);
    expect(top.map((t) => t.index)).toEqual(z > 0 ? [1, 0] : [0, 1]);
    expect(top.find((t) => t.index === 1)!.probability).toBeCloseTo(sigmoid(z), 5);
    expect(top[0]!.probability + top[1]!.probability).toBeCloseTo(1, 6);
    const [no, yes] = [
      await explain(model, x, { method: 'gradient', target: 0 }),
      await explain(model, x, { method: 'gradient', target: 1 }),
    ];
    expect(no.score).toBeCloseTo(-z, 4);
    expect(yes.score).toBeCloseTo(z, 4);
    expect([...no.map].map((v) => v + 0)).toEqual([...yes.map].map((v) => 0 - v));
    const all = await explain(model, x, { method: 'sum-of-outputs' });
    expect(all.map).toEqual(yes.map);
    for (const target of [0, 1]) {
      const settings = { image: x, steps: 0, transforms: [], picture: inputSpace() };
      for await (const frame of ascend(model, { ...settings, objective: logit(target) }))
        expect(frame.objective).toBeCloseTo(target === 1 ? z : -z, 4);
    }
    model.dispose();
  });
});

describe('the picture', () => {
  it('keras-nhwc: given with the channels first, transposed within', async () => {
    const { model, it } = await matches('keras-nhwc', (c) => channelsFirst(c.tensor('x'), c.shape('x')));
    expect(model.roles.input).toMatchObject({ layout: 'nhwc', channels: 3, height: 48, width: 40 });
    expect(model.pictureShape).toEqual([3, 48, 40]);
    expect(model.roles.scores).toMatchObject({ tail: 'softmax', head: 'predictions' });
    const x = channelsFirst(it.tensor('x'), it.shape('x'));
    const { probabilities } = await model.run(x);
    expect(compare(probabilities, it.tensor('y')).maxAbs).toBeLessThan(tolerance.op);
    const map = await explain(model, x.subarray(0, 3 * 48 * 40), { method: 'grad-cam' });
    expect(map.shape).toEqual([1, 12, 10]);
    expect(() => model.graph({ input: input('x', [1, 48, 40, 3]) })).toThrow(
      expect.objectContaining({ code: 'shape', message: expect.stringMatching(/\[N,3,H,W\], not \[1,48,40,3\]/) }),
    );
    model.dispose();
  });

  it('uint8-nhwc-with-mean-std: bytes, whose normalisation is in the file', async () => {
    const { model } = await matches('uint8-nhwc-with-mean-std', (c) => channelsFirst(c.tensor('x'), c.shape('x')));
    expect(model.roles.input).toMatchObject({ layout: 'nhwc', dtype: 'u8', range: 255 });
    expect(model.preprocess).toEqual({ mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] });
    model.dispose();
  });

  it.each([
    ['one-channel', 1],
    ['four-channels', 4],
  ])('%s: %i of them', async (name, channels) => {
    const model = await openCase(name).load(await testEngine());
    expect(model.pictureShape).toEqual([channels, 32, 32]);
    await expect(model.run(new Float32Array(3 * 32 * 32 + 1))).rejects.toMatchObject({ code: 'shape' });
    model.dispose();
  });

  it('nhwc-tail: Grad-CAM at the last map, though it is transposed before the mean', async () => {
    const { model, it } = await matches('nhwc-tail');
    const map = await explain(model, it.tensor('x'), { method: 'grad-cam', target: 0 });
    expect(map.shape).toEqual([1, 10, 12]);
    const best = await explain(model, it.tensor('x'), { method: 'grad-cam' });
    expect(compare(best.map, it.tensor('grad_cam')).maxRel).toBeLessThan(tolerance.longSum);
    // The transposed value, asked for by name, is the same map.
    const named = await explain(model, it.tensor('x'), { method: 'grad-cam', layer: 't' });
    expect(named.shape).toEqual([1, 10, 12]);
    expect(compare(named.map, best.map).maxRel).toBeLessThan(tolerance.op);
    model.dispose();
  });
});
