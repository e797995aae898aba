/** Graphs built from files: any batch, errors that name the node. The ops themselves: ops/table.test.ts. */
import { describe, expect, it } from 'vitest';
import { WgradError } from '../../src/errors.ts';
import { input } from '../../src/graph/leaves.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { f32, i64, model, node, smallSpec, value } from './builder.ts';
import { caseModel, w, type Case } from './ops/cases.ts';

describe('build', () => {
  it('works at any batch, with shape arithmetic folded', async () => {
    // What torch writes for x.view(x.size(0), -1): Shape, Gather, Unsqueeze, Concat, Reshape.
    const bytes = model({
      nodes: [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'zero'], ['n'], { axis: 0 }),
        node('Unsqueeze', ['n', 'axes'], ['n1']),
        node('Concat', ['n1', 'rest'], ['target'], { axis: 0 }),
        node('Reshape', ['x', 'target'], ['y']),
      ],
      initializers: [i64('zero', [], [0]), i64('axes', [1], [0]), i64('rest', [1], [-1])],
      outputs: [value('y', ['N', 192])],
    });
    const network = await importOnnx(bytes);
    for (const batch of [1, 3])
      expect(network.build({ inputs: { x: input('x', [batch, 3, 8, 8]) } }).outputs.y!.shape).toEqual([batch, 192]);
  });

  it.each<[string, Case, string]>([
    ['a rank that is no picture', { what: '', op: 'Conv', x: [1, 3, 2, 2, 2], rest: [w([4, 3, 1, 1, 1])] }, 'onnx-unsupported'], // prettier-ignore
    ['weights for other channels', { what: '', op: 'Conv', x: [1, 2, 5, 5], rest: [w([4, 3, 3, 3])] }, 'shape'],
    ['a kernel larger than the picture', { what: '', op: 'Conv', x: [1, 3, 2, 2], rest: [w([4, 3, 3, 3])] }, 'shape'],
    ['no kernel_shape', { what: '', op: 'MaxPool', x: [1, 3, 5, 5] }, 'onnx-invalid'],
    ['shapes that do not broadcast', { what: '', op: 'Add', x: [2, 3], rest: [f32('c', [2, 4])] }, 'shape'],
    ['an impossible reshape', { what: '', op: 'Reshape', x: [2, 3], rest: [i64('s', [2], [4, -1])] }, 'onnx-invalid'],
    ['an unknown mode', { what: '', op: 'Pad', x: [2, 3], attributes: { mode: 'mirror' }, rest: [i64('p', [4], [1, 0, 0, 0])] }, 'onnx-unsupported'], // prettier-ignore
    ['an index outside', { what: '', op: 'Gather', x: [2, 3], rest: [i64('i', [1], [2])] }, 'onnx-invalid'],
    ['parts that do not add up', { what: '', op: 'Split', x: [2, 3], rest: [i64('s', [2], [1, 2])], outputs: 2 }, 'onnx-invalid'], // prettier-ignore
    ['indices that are computed', { what: '', op: 'Gather', x: [2], at: 1, rest: [f32('c', [3])] }, 'onnx-unsupported'],
    ['a Gemm that does not fit', { what: '', op: 'Gemm', x: [2, 3], rest: [w([4, 5])] }, 'shape'],
  ])('%s: the error names the node', async (_, c, code) => {
    const network = await importOnnx(caseModel(c));
    const build = () => network.build({ inputs: { x: input('x', c.x) } });
    expect(build).toThrow(WgradError);
    expect(build).toThrow(expect.objectContaining({ code, message: expect.stringContaining("node 'n'") }));
  });

  it('an input of another rank or of other channels, or none, is refused; another size is taken', async () => {
    const network = await importOnnx(model(smallSpec()));
    for (const shape of [[3, 8, 8], [1, 4, 8, 8]]) expect(() => network.build({ inputs: { x: input('x', shape) } })).toThrow(expect.objectContaining({ code: 'shape' })); // prettier-ignore
    expect(network.build({ inputs: { x: input('x', [1, 3, 9, 9]) } }).outputs['y']!.shape).toEqual([1, 2]);
    expect(() => network.build({ inputs: {} })).toThrow(expect.objectContaining({ code: 'missing-feed' }));
  });

  it('1000 seeded mutations of a network import and build, or give a WgradError', async () => {
    const original = model(smallSpec());
    let state = 4242;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let built = 0;
    for (let round = 0; round < 1000; round++) {
      const bytes = original.slice();
      for (let n = 1 + random(3); n > 0; n--) bytes[random(bytes.length)] = random(256);
      try {
        const network = await importOnnx(bytes);
        const shape = network.inputs[0]!.shape.map((dim) => Math.min(dim ?? 1, 64));
        network.build({ inputs: Object.fromEntries(network.inputs.map(({ name }) => [name, input(name, shape)])) });
        built++;
      } catch (error) {
        expect(error).toBeInstanceOf(WgradError);
      }
    }
    expect(built).toBeGreaterThan(100);
  });
});
