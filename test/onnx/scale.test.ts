/** Import takes time in proportion to the file, memory in proportion to what it holds, and ends when it is told to. */
import { describe, expect, it } from 'vitest';
import { input } from '../../src/graph/leaves.ts';
import { Budget, MAX_NODES } from '../../src/onnx/budget.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { f32, model, node, value, type ModelSpec } from './builder.ts';

/** Seconds of the processor's time, so that a busy machine changes nothing. */
const clock = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** Some times what it takes, all told; quadratic passes take minutes. */
const SECONDS = 8;

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
    const start = clock();
    const network = await importOnnx(file);
    expect(clock() - start).toBeLessThan(SECONDS);
    expect(network.outputs).toEqual([last]);
  });

  it('that build on one another are built within seconds', async () => {
    const network = await importOnnx(spec(each((i) => relu(i))));
    const start = clock();
    network.build({ inputs: { v0: input('v0', [1, 2, 4, 4]) } });
    expect(clock() - start).toBeLessThan(SECONDS);
  });

  it('stop within a second of an abort, with the reason that was given', async () => {
    const controller = new AbortController();
    const pending = importOnnx(spec(each((i) => relu(i, 'none'))), { signal: controller.signal });
    let aborted = 0;
    setTimeout(() => {
      aborted = clock();
      controller.abort(new Error('enough'));
    }, 30);
    await expect(pending).rejects.toThrow('enough');
    expect(aborted).toBeGreaterThan(0);
    expect(clock() - aborted).toBeLessThan(1);
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
