/** Import takes time in proportion to the file, memory in proportion to what it holds, and ends when it is told to. */
import { describe, expect, it } from 'vitest';
import { input } from '../../src/graph/leaves.ts';
import { Budget, MAX_NODES } from '../../src/onnx/budget.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { HANG_SECONDS, processorSeconds } from '../support/cost.ts';
import { f32, i64, model, node, value, type ModelSpec } from './builder.ts';

const COUNT = 20_000;
const each = <T>(make: (i: number) => T): T[] => Array.from({ length: COUNT }, (_, i) => make(i));
const last = `v${COUNT}`;

/** x -> v1 -> ... -> v20000, node by node. */
const spec = (nodes: ModelSpec['nodes'], more: ModelSpec = {}): Uint8Array =>
  model({ inputs: [value('v0', [1, 2, 4, 4])], outputs: [value(last, [1])], nodes: nodes!, ...more });

const named = (style: string, i: number) => (style === 'scopes' ? `/a/b/Relu` : style === 'none' ? '' : `n${i}`);
const relu = (i: number, style = 'plain') => node('Relu', [`v${i}`], [`v${i + 1}`], {}, named(style, i));

describe(`${COUNT} nodes`, () => {
  it.each<[string, () => Uint8Array]>([
    ['in the wrong order', () => spec(each((i) => relu(i)).reverse())],
    ['without names', () => spec(each((i) => relu(i, 'none')))],
    ['with one name', () => spec(each((i) => relu(i, 'scopes')))],
    ['that each add to what the first one made', () => spec(each((i) => node('Add', [`v${i}`, i ? 'v1' : 'v0'], [`v${i + 1}`])))], // prettier-ignore
    ['that each add a value to itself', () => spec(each((i) => node('Add', [`v${i}`, `v${i}`], [`v${i + 1}`])))],
    ['that reshape a parameter by itself', () => spec([...each((i) => node('Reshape', [`w${i}`, `w${i}`], [`w${i + 1}`])), node('Relu', ['v0'], [last])], { initializers: [f32('w0', [1])] })], // prettier-ignore
    ['that all read one value', () => spec([...each((i) => node('Relu', ['v0'], [`u${i}`])), node('Relu', ['v0'], [last])].reverse())], // prettier-ignore
    ['with a thousand dots in a name', () => spec(each((i) => node('Relu', [`v${i}`], [`v${i + 1}`], {}, i ? '' : '/a' + '.b'.repeat(5000))))], // prettier-ignore
  ])('%s are read within seconds', async (_, bytes) => {
    const file = bytes();
    const start = processorSeconds();
    const network = await importOnnx(file);
    expect(processorSeconds() - start).toBeLessThan(HANG_SECONDS);
    expect(network.outputs).toEqual([last]);
  });

  it('that build on one another are built within seconds', async () => {
    const network = await importOnnx(spec(each((i) => relu(i))));
    const start = processorSeconds();
    network.build({ inputs: { v0: input('v0', [1, 2, 4, 4]) } });
    expect(processorSeconds() - start).toBeLessThan(HANG_SECONDS);
  });

  it('stop soon after an abort, whenever it comes, with the reason that was given', async () => {
    const bytes = spec(each((i) => relu(i, 'none')));
    const start = processorSeconds();
    await importOnnx(bytes);
    const whole = processorSeconds() - start;
    for (const part of [0.05, 0.15, 0.3])
      await stopsAfter(part * whole, 0.3 * whole, (signal) => importOnnx(bytes, { signal }));
  });
});

/** Aborts after that many seconds of the processor's time, and expects that and the end within a few more. */
async function stopsAfter(at: number, within: number, work: (signal: AbortSignal) => Promise<unknown>) {
  const controller = new AbortController();
  const start = processorSeconds();
  let aborted = NaN;
  const timer = setInterval(() => {
    if (controller.signal.aborted || processorSeconds() - start < at) return;
    aborted = processorSeconds();
    controller.abort(new Error('enough'));
  }, 1);
  await expect(work(controller.signal).finally(() => clearInterval(timer))).rejects.toThrow('enough');
  // Timers have their turn in time, and so has the abort.
  expect(aborted - start - at).toBeLessThan(within);
  expect(processorSeconds() - aborted).toBeLessThan(within);
}

describe('constants that a file computes from megabytes', () => {
  const elements = 2 ** 23;
  const doubled = (to: (last: string) => ModelSpec['nodes']) =>
    model({
      inputs: [value('x', [1, 2, 4, 4])],
      outputs: [value('y', [1, 2, 4, 4])],
      initializers: [
        { name: 'c0', dims: [elements], dataType: 2, rawData: new Uint8Array(elements) },
        i64('s', [4], [2, 2, 1024, 2048]),
      ],
      nodes: [
        node('Cast', ['c0'], ['c1'], { to: 1 }),
        ...Array.from({ length: 25 }, (_, i) => node('Neg', [`c${i + 1}`], [`c${i + 2}`])),
        ...to('c26')!,
      ],
    });

  it.each([
    ['for a shape', doubled((c) => [node('ReduceMax', [c], ['m'], { keepdims: 0 }), node('Add', ['x', 'm'], ['y'])])],
    ['for a weight', doubled((c) => [node('Reshape', [c, 's'], ['w']), node('Conv', ['x', 'w'], ['y'])])],
  ])('are folded in turns %s, and an abort stops that', async (_, bytes) => {
    // All of it is a minute.
    await stopsAfter(0.1, 5, (signal) => importOnnx(bytes, { signal }));
  });
});

it('more nodes than any network has are refused before they are read', async () => {
  const bytes = spec(Array.from({ length: MAX_NODES + 1 }, () => ({ opType: 'Relu' })));
  await expect(importOnnx(bytes)).rejects.toMatchObject({ code: 'onnx-invalid' });
});

it('a budget is one purse, and names the node that empties it', async () => {
  const network = await importOnnx(model({ nodes: [node('Relu', ['x'], ['y'], {}, 'n')], initializers: [f32('w', [1000])] })); // prettier-ignore
  const budget = Budget.of(network.ir);
  expect(budget.limit).toBeGreaterThan(64 * 1000);
  budget.spend(budget.limit - 1, network.ir.nodes[0]!);
  expect(() => budget.spend(2, network.ir.nodes[0]!)).toThrow(/node 'n' \(Relu\)/);
  expect(() => Budget.of(network.ir).spend(NaN, network.ir.nodes[0]!)).toThrow(/node 'n'/);
});
