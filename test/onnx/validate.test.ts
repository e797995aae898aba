import { describe, expect, it } from 'vitest';
import { WgradError } from '../../src/errors.ts';
import { decodeOnnx } from '../../src/onnx/decode.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { f32, i64, model, node, smallSpec, value, type Attribute } from './builder.ts';

const refusal = async (bytes: Uint8Array): Promise<WgradError> => {
  const error = await importOnnx(bytes).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(WgradError);
  return error as WgradError;
};

describe('attributes', () => {
  const float = (value: number) => ({ float: value });
  it.each<[string, string, Record<string, Attribute>, string]>([
    ['an epsilon that is no number', 'BatchNormalization', { epsilon: float(NaN) }, 'epsilon'],
    ['a negative epsilon', 'BatchNormalization', { epsilon: float(-1) }, 'epsilon'],
    ['an infinite momentum', 'BatchNormalization', { momentum: float(Infinity) }, 'momentum'],
    ['a float for an axis', 'Concat', { axis: float(1) }, 'axis'],
    ['an integer for a float', 'Gemm', { alpha: 2 }, 'alpha'],
    ['a string for a list', 'MaxPool', { kernel_shape: '3,3' }, 'kernel_shape'],
    ['a negative group', 'Conv', { group: -1 }, 'group'],
    ['no group', 'Conv', { group: 0 }, 'group'],
    ['a stride of 0', 'MaxPool', { kernel_shape: [2, 2], strides: [0, 1] }, 'strides'],
    ['absurd pads', 'Conv', { pads: [0, 0, 2 ** 40, 0] }, 'pads'],
    ['negative pads of a window', 'Conv', { pads: [0, 0, -1, 0] }, 'pads'],
    ['an absurd kernel', 'MaxPool', { kernel_shape: [2 ** 31, 2] }, 'kernel_shape'],
    ['an absurd dilation', 'Conv', { dilations: [1, 2 ** 30] }, 'dilations'],
    ['an absurd axis', 'Softmax', { axis: 2 ** 40 }, 'axis'],
    ['a flag of 7', 'Gemm', { transA: 7 }, 'transA'],
  ])('%s is refused at import, naming node and attribute', async (_, op, attributes, name) => {
    const spec = smallSpec();
    const error = await refusal(model({ ...spec, nodes: [node(op, ['x'], ['z'], attributes, 'odd'), ...spec.nodes!] }));
    expect(error.code).toBe('onnx-invalid');
    expect(error.message).toContain(`node 'odd' (${op}): attribute '${name}'`);
  });

  it('infinite bounds of Clip and values of Pad are numbers that mean something', async () => {
    const spec = smallSpec();
    const infinite = { min: { float: -Infinity }, max: { float: Infinity } };
    const nodes = [
      node('Clip', ['x'], ['z'], infinite, 'clip'),
      node('Pad', ['x'], ['padded'], { pads: [0, 0, 1, 1, 0, 0, 1, 1], value: { float: -Infinity } }, 'pad'),
      ...spec.nodes!,
    ];
    await expect(decodeOnnx(model({ ...spec, opset: 10, nodes }))).resolves.toMatchObject({ opset: 10 });
  });

  it('one that is given twice', async () => {
    const spec = smallSpec();
    const twice = node('Flatten', ['x'], ['z'], { axis: 1 }, 'odd');
    twice.attribute!.push(...node('Flatten', [], [], { axis: 2 }).attribute!);
    const error = await refusal(model({ ...spec, nodes: [twice, ...spec.nodes!] }));
    expect(error.message).toContain("node 'odd' (Flatten): attribute 'axis' is given twice");
  });
});

describe('cycles', () => {
  it('are all listed, each by its own nodes and not by what hangs below', async () => {
    const error = await refusal(
      model({
        nodes: [
          node('Relu', ['q'], ['below'], {}, 'below'),
          node('Add', ['x', 'q'], ['p'], {}, 'loop1'),
          node('Relu', ['p'], ['q'], {}, 'loop2'),
          node('Add', ['x', 'y'], ['y'], {}, 'self'),
        ],
        initializers: [i64('n', [1], [0]), f32('f', [1])],
      }),
    );
    expect(error.code).toBe('onnx-invalid');
    expect(error.message).toMatch(/cycle through '(loop1', 'loop2|loop2', 'loop1)'/);
    expect(error.message).toContain("cycle through 'self'");
    expect(error.message).not.toContain("'below'");
  });

  it('of many nodes are named in part', async () => {
    const nodes = Array.from({ length: 500 }, (_, i) => node('Relu', [`v${i}`], [`v${(i + 1) % 500}`], {}, `n${i}`));
    const error = await refusal(model({ nodes, outputs: [value('v0', [1])] }));
    expect(error.message).toContain('and 460 more');
    expect(error.message.length).toBeLessThan(1000);
  });
});
