/** Batch, height and width of a file are defaults where the graph allows others. */
import { describe, expect, it } from 'vitest';
import { explain } from '../../src/explain/index.ts';
import { loadOnnx } from '../../src/onnx/index.ts';
import { inMemory } from '../../src/train/dataset.ts';
import { fit } from '../../src/train/fit.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { openCase } from '../support/cases.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { f32, i64, model, node, pattern, value } from './builder.ts';

type Nodes = NonNullable<Parameters<typeof model>[0]['nodes']>;

/** Conv and global pooling of [batch,3,8,8] to 'p' [batch,4,1,1]; then `rest` to 'y' [batch,4]. */
const fixedAt = (batch: number | string, rest: Nodes, initializers: Parameters<typeof model>[0]['initializers'] = []) =>
  model({
    nodes: [
      node('Conv', ['x', 'w'], ['c'], { kernel_shape: [3, 3] }),
      node('GlobalAveragePool', ['c'], ['p']),
      ...rest,
    ],
    initializers: [f32('w', [4, 3, 3, 3]), f32('fc', [4, 4]), ...initializers],
    inputs: [value('x', [batch, 3, 8, 8])],
    outputs: [value('y', [batch, 4])],
  });

const head = (from: string) => node('Gemm', [from, 'fc'], ['y'], {}, 'fc');

/** Logits of four pictures at once are those of each by itself. */
async function eachByItself(bytes: Uint8Array) {
  const m = await loadOnnx(await testEngine(), bytes);
  const x = pattern(4 * 192, 5);
  const { logits } = await m.run(x);
  expect(logits).toHaveLength(16);
  for (let i = 0; i < 4; i++) {
    const alone = await m.run(x.subarray(i * 192, (i + 1) * 192));
    expect(compare(logits.subarray(i * 4, i * 4 + 4), alone.logits).maxAbs).toBeLessThan(tolerance.op);
  }
  return m;
}

describe('the batch', () => {
  it('batch-fixed-at-1: runs, trains and is explained by more', async () => {
    const it = openCase('batch-fixed-at-1');
    using m = await it.load(await testEngine());
    expect(m.roles.input).toMatchObject({ batch: 1 });
    expect(m.roles.input!.batchFixedBy).toBeUndefined();
    const x = it.tensor('x');
    const other = x.map((v) => -v);
    const { logits } = await m.run(Float32Array.of(...x, ...other));
    expect(compare(logits.subarray(0, 5), it.tensor('y')).maxAbs).toBeLessThan(tolerance.logits);
    expect(compare(logits.subarray(5), (await m.run(other)).logits).maxAbs).toBeLessThan(tolerance.op);
    const map = await explain(m, x, { method: 'integrated-gradients', steps: 3, batch: 3 });
    expect(map.shape).toEqual([3, 32, 32]);
    const data = inMemory([0, 1, 2, 3, 4].map((label) => ({ input: x.map((v) => v * label), label })), ['a', 'b', 'c', 'd', 'e']); // prettier-ignore
    const losses: number[] = [];
    for await (const e of fit(m.freeze().unfreeze('fc'), data, {
      optimizer: sgd({ lr: 0.1 }),
      epochs: 6,
      batchSize: 5,
    }))
      if (e.type === 'step') losses.push(e.loss);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });

  it.each([
    ['a Reshape to [1, -1]', [node('Reshape', ['p', 's'], ['f']), head('f')], [i64('s', [2], [1, -1])]],
    ['a Reshape to [1, 4]', [node('Reshape', ['p', 's'], ['f']), head('f')], [i64('s', [2], [1, 4])]],
    ['a Reshape to [-1, 4]', [node('Reshape', ['p', 's'], ['f']), head('f')], [i64('s', [2], [-1, 4])]],
  ] as const)('%s in a file for one picture takes any number', async (_, rest, constants) => {
    using m = await eachByItself(fixedAt(1, [...rest], [...constants]));
    expect(m.warnings).toEqual([]);
    expect((await m.engine.compile({ outputs: { y: m.graph({ batch: 4 }).logits } })).stats.ops['matmul']).toBe(1);
  });

  it('left open, though a Reshape says 1', async () => {
    using m = await eachByItself(
      fixedAt('N', [node('Reshape', ['p', 's'], ['f']), head('f')], [i64('s', [2], [1, 4])]),
    );
    expect(m.roles.scores!.count).toBe(4);
  });

  it.each([
    ['a Reshape that joins it with the channels', [node('Reshape', ['p', 's'], ['r']), node('Transpose', ['r'], ['t'], { perm: [1, 0] }), head('t')], [i64('s', [2], [4, 1])], /'Reshape_2' \(Reshape\)/], // prettier-ignore
    ['a softmax along it', [node('Flatten', ['p'], ['f']), node('Softmax', ['f'], ['s'], { axis: 0 }), head('s')], [], /\(Softmax\)/], // prettier-ignore
  ] as const)('%s: pictures run one at a time, and the model says so', async (_, rest, constants, message) => {
    using m = await eachByItself(fixedAt(1, [...rest], [...constants]));
    expect(m.warnings.join()).toMatch(message);
    expect(m.warnings.join()).toMatch(/pictures run 1 at a time. Export it with an open batch axis/);
  });

  it('of two that cannot be changed: a number that is no multiple is refused with the way out', async () => {
    const bytes = fixedAt(2, [node('Flatten', ['p'], ['f']), node('Softmax', ['f'], ['s'], { axis: 0 }), head('s')]);
    using m = await loadOnnx(await testEngine(), bytes);
    expect((await m.run(pattern(4 * 192, 2))).logits).toHaveLength(16);
    await expect(m.run(pattern(192, 2))).rejects.toMatchObject({ code: 'shape', message: expect.stringMatching(/batches of 2.*open batch axis/) }); // prettier-ignore
  });
});

describe('height and width', () => {
  it('open-height-width: any size, at loading or at a run', async () => {
    const it = openCase('open-height-width');
    const [n, c, h, w] = it.shape('x') as [number, number, number, number];
    using m = await it.load(await testEngine(), { size: [h, w] });
    expect(m.pictureShape).toEqual([3, 48, 80]);
    const { logits } = await m.run(it.tensor('x'));
    expect(compare(logits, it.tensor('y')).maxAbs).toBeLessThan(tolerance.logits);
    const map = await explain(m, it.tensor('x').subarray(0, c * h * w), { method: 'gradient' });
    expect(map.shape).toEqual([3, 48, 80]);
    using open = await it.load(await testEngine());
    expect(open.pictureShape).toEqual([3, 224, 224]);
    const out = await open.run(it.tensor('x'), { shape: [c, h, w] });
    expect(out.logits).toHaveLength(n * 5);
    expect(compare(out.logits, it.tensor('y')).maxAbs).toBeLessThan(tolerance.logits);
    expect((await open.classify(new Float32Array(3 * 33 * 47), { shape: [3, 33, 47], top: 1 }))[0]!.index).toBeLessThan(
      5,
    );
  });

  it('written into the file are a default too, where the graph allows others', async () => {
    using m = await openCase('one-channel').load(await testEngine());
    expect((await m.run(new Float32Array(40 * 24), { shape: [1, 40, 24] })).logits).toHaveLength(5);
  });

  it('that the graph does not allow are refused by the node, with the size that it is made for', async () => {
    const bytes = model({
      nodes: [
        node('Conv', ['x', 'w'], ['c']),
        node('Flatten', ['c'], ['f']),
        node('Gemm', ['f', 'fc'], ['y'], {}, 'fc'),
      ],
      initializers: [f32('w', [4, 3, 1, 1]), f32('fc', [256, 4])],
    });
    using m = await loadOnnx(await testEngine(), bytes);
    await expect(m.run(new Float32Array(3 * 9 * 9), { shape: [3, 9, 9] })).rejects.toMatchObject({
      code: 'shape',
      message: expect.stringMatching(/'fc' \(Gemm\).*The file is made for pictures of 8 x 8/s),
    });
  });
});
