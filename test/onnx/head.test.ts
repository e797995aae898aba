/** A head for other classes: what is rewritten, what the saved file says, and what onnxruntime makes of it. */
import { describe, expect, it } from 'vitest';
import type { Model } from '../../src/model/model.ts';
import { loadOnnx } from '../../src/onnx/index.ts';
import { decodeOnnx } from '../../src/onnx/decode.ts';
import { channelsFirst, openCase } from '../support/cases.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { f32, i64, model as onnxModel, node, value } from './builder.ts';
import { onnxruntime } from './oracle.ts';

/** The saved file: declared dims are those that come out, and onnxruntime agrees with the engine. */
async function savedRuns(model: Model, x: Float32Array, dims: readonly number[], classes: number, compared = true) {
  const { input, scores } = model.roles;
  const bytes = await model.saveOnnx();
  const fed = input!.dtype === 'u8' ? Uint8Array.from(x) : x;
  const answer = await onnxruntime(bytes, fed, dims, scores!.output);
  const declared = (await decodeOnnx(bytes)).outputs.find((o) => o.name === scores!.output)!.dims!;
  expect(declared).toHaveLength(answer.dims.length);
  declared.forEach((dim, i) => typeof dim === 'number' && expect(dim, `axis ${i}`).toBe(answer.dims[i]));
  expect(declared[scores!.classAxis]).toBe(classes);
  expect(answer.data).toHaveLength(dims[0]! * classes);
  if (!compared) return;
  const pictures = input!.layout === 'nhwc' ? channelsFirst(x, dims) : x;
  const { logits, probabilities } = await model.run(pictures);
  const same = scores!.tail === 'none' ? logits : probabilities;
  expect(compare(same, answer.data).maxAbs).toBeLessThan(tolerance.logits);
  using again = await loadOnnx(model.engine, bytes);
  expect(again.roles).toEqual(model.roles);
}

const cases = ['batch-fixed-at-1', 'conv-head-4d-output', 'conv-head-reshape', 'ends-in-softmax', 'four-channels', 'keras-nhwc', 'nhwc-tail', 'one-channel', 'one-logit', 'two-outputs', 'uint8-nhwc-with-mean-std']; // prettier-ignore

describe.each(cases)('%s', (name) => {
  it.each([1, 2, 3, 1000])('becomes a model of %i classes that onnxruntime runs', async (classes) => {
    const it = openCase(name);
    using model = await it.load(await testEngine());
    const scores = classes === 2 && model.roles.scores!.kind === 'binary' ? 1 : classes;
    model.replaceHead(undefined, { classes, seed: 1 });
    expect(model.roles.scores!.count).toBe(scores);
    expect(model.classes).toBe(classes === 1 && model.roles.scores!.tail === 'none' ? 2 : classes);
    // One number of classes is compared with the engine too: compiling is what takes the time.
    await savedRuns(model, it.tensor('x'), it.shape('x'), scores, classes === 3);
  });
});

/** x [N,6] -> Gemm to `classes`, then `tail`. */
const withTail = (
  classes: number,
  tail: Parameters<typeof onnxModel>[0]['nodes'],
  more: ReturnType<typeof f32>[] = [],
) =>
  onnxModel({
    inputs: [value('x', ['N', 6, 1, 1])],
    nodes: [
      node('Flatten', ['x'], ['f']),
      node('Gemm', ['f', 'fc.weight', 'fc.bias'], ['h'], { transB: 1 }, 'fc'),
      ...tail!,
    ],
    initializers: [f32('fc.weight', [classes, 6]), f32('fc.bias', [classes]), ...more],
    outputs: [value('y', ['N', classes])],
  });

describe('what stands behind the head', () => {
  // 6 is the number of features and of classes: an equal number is not a reason to change it.
  it.each([
    ['a scale and an offset a class', [node('Mul', ['h', 's'], ['m']), node('Add', ['m', 'o'], ['y'])], [f32('s', [6]), f32('o', [1, 6])], ['s', 'o']], // prettier-ignore
    ['BatchNormalization', [node('BatchNormalization', ['h', 's', 'b', 'm', 'v'], ['y'])], ['s', 'b', 'm', 'v'].map((n) => f32(n, [6], Float32Array.of(1, 2, 3, 1, 2, 3))), ['s', 'b', 'm', 'v']], // prettier-ignore
    ['Reshape to a target that is stored', [node('Reshape', ['h', 't'], ['r']), node('Reshape', ['r', 't2'], ['y'])], [i64('t', [4], [-1, 6, 1, 1]), i64('t2', [2], [-1, 6])], []], // prettier-ignore
    ['a softmax by hand', [node('Sigmoid', ['h'], ['e']), node('ReduceMean', ['e'], ['t'], { axes: [1] }), node('Div', ['e', 't'], ['y'])], [], []], // prettier-ignore
    ['Transpose and back', [node('Transpose', ['h'], ['t'], { perm: [1, 0] }), node('Transpose', ['t'], ['y'], { perm: [1, 0] })], [], []], // prettier-ignore
  ] as const)('%s', async (_, nodes, initializers, perClass) => {
    using model = await loadOnnx(await testEngine(), withTail(6, [...nodes], [...initializers]));
    expect(model.network.perClass('fc').slice(2).sort()).toEqual([...perClass].sort());
    model.replaceHead('fc', { classes: 4 });
    const x = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i));
    await savedRuns(model, x, [2, 6, 1, 1], 4);
  });

  it.each([
    [
      'another layer that reads it',
      [node('MatMul', ['h', 'w2'], ['y'])],
      [f32('w2', [6, 6])],
      /reads its 6 outputs as features/,
    ],
    ['a cut', [node('Slice', ['h', 'from', 'to', 'axes'], ['y'])], [i64('from', [1], [0]), i64('to', [1], [6]), i64('axes', [1], [1])], /cuts its outputs/], // prettier-ignore
    ['a sum with another layer', [node('Gemm', ['f', 'w2'], ['g'], { transB: 1 }), node('Add', ['h', 'g'], ['y'])], [f32('w2', [6, 6])], /joins its outputs with 'g'/], // prettier-ignore
  ] as const)('refuses %s, and leaves the model as it was', async (_, nodes, initializers, message) => {
    using model = await loadOnnx(await testEngine(), withTail(6, [...nodes], [...initializers]));
    const before = await model.run(new Float32Array(6).fill(1));
    expect(() => model.replaceHead('fc', { classes: 4 })).toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringMatching(message) }),
    );
    expect(await model.run(new Float32Array(6).fill(1))).toEqual(before);
  });
});

describe('adaptHead', () => {
  const labels = ['cat', 'dog', 'owl', 'bee', 'fox'];
  const open = async () => openCase('conv-head-reshape').load(await testEngine(), { labels });
  const x = () =>
    openCase('conv-head-reshape')
      .tensor('x')
      .subarray(0, 3 * 32 * 32);

  it("changes nothing where the classes are the model's own", async () => {
    using model = await open();
    const before = model.parameter('cls.weight').variable;
    expect(await model.adaptHead(labels)).toEqual({ layer: 'cls', kept: labels, fresh: [], dropped: [] });
    expect(model.parameter('cls.weight').variable).toBe(before);
  });

  it('keeps trained rows by name, as they are now, in another order and beside new classes', async () => {
    using model = await open();
    const weight = model.parameter('cls.weight').variable;
    model.engine.write(
      weight,
      (await model.engine.read(weight)).map((v) => 2 * v),
    );
    const before = await model.classify(x());
    const of = (list: typeof before, label: string) => list.find((c) => c.label === label)!.logit;
    const change = await model.adaptHead(['Fox', 'new', 'cat'], { seed: 3 });
    expect(change).toEqual({ layer: 'cls', kept: ['Fox', 'cat'], fresh: ['new'], dropped: ['dog', 'owl', 'bee'] });
    expect(model.labels).toEqual(['Fox', 'new', 'cat']);
    const after = await model.classify(x());
    expect(of(after, 'Fox')).toBeCloseTo(of(before, 'fox'), 5);
    expect(of(after, 'cat')).toBeCloseTo(of(before, 'cat'), 5);
    await savedRuns(model, openCase('conv-head-reshape').tensor('x'), [2, 3, 32, 32], 3);
  });

  it('starts afresh without names, and says so', async () => {
    using model = await openCase('conv-head-reshape').load(await testEngine());
    const change = await model.adaptHead(['a', 'b']);
    expect(change).toMatchObject({ kept: [], fresh: ['a', 'b'] });
    expect(change.dropped).toEqual([0, 1, 2, 3, 4].map((i) => `class ${i}`));
  });
});
