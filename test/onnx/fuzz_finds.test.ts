/** What fuzzing found, each as the smallest model that did it. */
import { describe, expect, it } from 'vitest';
import { WgradError } from '../../src/errors.ts';
import { input } from '../../src/graph/leaves.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { HANG_SECONDS, processorSeconds } from '../support/cost.ts';
import { f32, i64, model, node, value } from './builder.ts';

/** Processor seconds that importing and building take, and the error that either ends with. */
async function tryOut(bytes: Uint8Array): Promise<{ seconds: number; error: unknown; layers?: string[] }> {
  const start = processorSeconds();
  const seconds = () => processorSeconds() - start;
  try {
    const network = await importOnnx(bytes);
    network.build({ inputs: { x: input('x', [1, 3, 8, 8]) } });
    return { seconds: seconds(), error: undefined, layers: network.root.children.map(({ name }) => name) };
  } catch (error) {
    return { seconds: seconds(), error };
  }
}

const y = [value('y', ['N', 3, 8, 8])];
const coded = (error: unknown) => expect(error).toBeInstanceOf(WgradError);

describe('constants are paid for from the budget whichever op makes them', () => {
  const huge = i64('huge', [2], [100_000, 100_000]);
  const pads = i64('pads', [8], [0, 0, 0, 0, 0, 0, 1e5, 1e5]);
  const scales = f32('scales', [4], [1, 1, 1e5, 1e5]);
  const small = f32('small', [1, 1, 2, 2]);
  it.each([
    ['ConstantOfShape', [node('ConstantOfShape', ['huge'], ['c'], {}, 'maker')]],
    ['Expand', [node('Constant', [], ['one'], { value: f32('one', [1], [1]) }), node('Expand', ['one', 'huge'], ['c'], {}, 'maker')]], // prettier-ignore
    ['Tile', [node('Tile', ['matrix', 'huge'], ['c'], {}, 'maker')]],
    ['Pad', [node('Pad', ['small', 'pads'], ['c'], {}, 'maker')]],
    ['Resize', [node('Resize', ['small', '', 'scales'], ['c'], {}, 'maker')]],
    ['Range', [node('Range', ['zero', 'much', 'step'], ['c'], {}, 'maker')]],
    ['MatMul', [node('MatMul', ['column', 'row'], ['c'], {}, 'maker')]],
  ])('%s', async (_, nodes) => {
    const scalar = (name: string, v: number) => f32(name, [], [v]);
    const { seconds, error } = await tryOut(
      model({
        nodes: [...nodes, node('ReduceSum', ['c'], ['s'], { keepdims: 0 }), node('Mul', ['x', 's'], ['y'])],
        initializers: [huge, pads, scales, small, f32('matrix', [1, 1]), scalar('zero', 0), scalar('much', 1e9), scalar('step', 1), f32('column', [20_000, 1]), f32('row', [1, 20_000])], // prettier-ignore
        outputs: y,
      }),
    );
    coded(error);
    expect(String(error)).toContain("'maker'");
    expect(seconds).toBeLessThan(HANG_SECONDS);
  });
});

it('a rank of a hundred thousand, grown by Expand, is refused at once', async () => {
  const nodes = [
    node('ConstantOfShape', ['rank'], ['ones'], { value: i64('one', [1], [1]) }),
    node('Expand', ['x', 'ones'], ['e'], {}, 'expander'),
    node('ReduceSum', ['e'], ['s'], { keepdims: 0 }),
    node('Mul', ['x', 's'], ['y']),
  ];
  const { seconds, error } = await tryOut(model({ nodes, initializers: [i64('rank', [1], [100_000])], outputs: y }));
  coded(error);
  expect(seconds).toBeLessThan(HANG_SECONDS);
});

it.each([
  ['of slashes', '/'.repeat(5000)],
  ['of slashes and dots', '/.'.repeat(5000)],
  ['of one slash', '/'],
  ['of a slash at each end', '/a/'],
])('a node name %s makes a layer', async (_, name) => {
  const nodes = [node('Relu', ['x'], ['a'], {}, name), node('Relu', ['a'], ['y'], {}, name)];
  const { seconds, error, layers } = await tryOut(model({ nodes, outputs: y }));
  expect(error).toBeUndefined();
  expect(layers!.length).toBeGreaterThan(0);
  expect(layers!.every((layer) => layer.length > 0)).toBe(true);
  expect(seconds).toBeLessThan(HANG_SECONDS);
});
