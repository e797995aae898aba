/**
 * Pooling against plain loops (window arithmetic, ties, NaN, indices and gathered gradients; exact where sums are short),
 * against PyTorch on both adapters, and by finite differences.
 */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import { mul } from '../../src/ops/binary.ts';
import { avgPool2d, globalAvgPool, globalMaxPool, maxPool2d, maxPool2dWithIndices } from '../../src/ops/pool.ts';
import type { PoolOptions } from '../../src/ops/pool.ts';
import { avgPool1d, maxPool1d } from '../../src/ops/pool1d.ts';
import type { Pair } from '../../src/ops/window_options.ts';
import { square } from '../../src/ops/unary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { Random } from '../../src/random.ts';
import { testEngine } from '../support/engine.ts';
import { adapters } from '../support/adapters.ts';
import { gradcheck, spread, type GradCheck } from '../support/gradcheck.ts';
import { checkOracle, oracleCases, type OracleBuilder } from '../support/oracle.ts';
import { compare, tolerance } from '../tolerance.ts';

type Shape4 = [number, number, number, number];

/** The explicit forms alone, as the loops below read them. */
type Explicit = Pick<PoolOptions, 'strides' | 'pads' | 'dilations' | 'ceilMode'> & { kernel: Pair };

/** Calls `visit` with each output element and the input elements of its window, in row-major window order. */
function windows(
  [n, c, h, w]: Shape4,
  [oh, ow]: readonly [number, number],
  o: Explicit,
  visit: (out: number, at: number, plane: number) => void,
): void {
  const { kernel, strides = kernel, pads = [0, 0, 0, 0], dilations = [1, 1] } = o;
  for (let plane = 0; plane < n * c; plane++)
    for (let y = 0; y < oh; y++)
      for (let x = 0; x < ow; x++)
        for (let i = 0; i < kernel[0]; i++)
          for (let j = 0; j < kernel[1]; j++) {
            const iy = y * strides[0] - pads[0] + i * dilations[0];
            const ix = x * strides[1] - pads[1] + j * dilations[1];
            if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
            visit((plane * oh + y) * ow + x, iy * w + ix, plane * h * w);
          }
}

const cases: [string, Shape4, Explicit][] = [
  ['3x3 stride 2, ceil, 4 channels', [2, 4, 8, 7], { kernel: [3, 3], strides: [2, 2], ceilMode: true }],
  ['3x2 stride 1, asymmetric pads, 3 channels', [1, 3, 5, 6], { kernel: [3, 2], strides: [1, 1], pads: [2, 0, 1, 1] }],
  [
    '2x3 stride 3, padded, ceil, 8 channels',
    [2, 8, 7, 8],
    { kernel: [2, 3], strides: [3, 3], pads: [1, 1, 1, 1], ceilMode: true },
  ],
  ['2x2 stride 2, odd picture, 1 channel', [3, 1, 5, 7], { kernel: [2, 2], strides: [2, 2] }],
  ['window of the whole picture, 12 channels', [1, 12, 4, 3], { kernel: [4, 3] }],
];

const maxOnly: [string, Shape4, Explicit][] = [
  [
    'dilated 2 and 3, 4 channels',
    [1, 4, 9, 9],
    { kernel: [3, 2], strides: [1, 2], dilations: [2, 3], pads: [2, 1, 2, 1] },
  ],
  ['dilated, ceil, 5 channels', [1, 5, 8, 6], { kernel: [2, 2], strides: [3, 2], dilations: [3, 2], ceilMode: true }],
];

describe('max pooling', () => {
  it.each([...cases, ...maxOnly])('%s: first of equal maxima, gradient to it alone', async (_, shape, options) => {
    const x = input('x', shape);
    const random = new Random('ties');
    // Few levels make many ties.
    const data = Float32Array.from({ length: x.size }, () => random.int(3) - 1);
    const [y, indices] = maxPool2dWithIndices(x, options);
    const seed = spread(y.size, 5);
    const [dx] = grad(y, [x], { seed: constant(seed, y.shape) });
    const result = await (await testEngine()).evaluate({ y, indices, dx: dx! }, { x: data });

    const best = new Float32Array(y.size).fill(-Infinity);
    const winner = new Float32Array(y.size).fill(-1);
    const base = new Int32Array(y.size);
    windows(shape, [y.shape[2]!, y.shape[3]!], options, (out, at, plane) => {
      base[out] = plane;
      if (data[plane + at]! > best[out]!) [best[out], winner[out]] = [data[plane + at]!, at];
    });
    const expected = new Float64Array(x.size);
    seed.forEach((g, i) => (expected[base[i]! + winner[i]!]! += g));
    expect(result.y).toEqual(best);
    expect(result.indices).toEqual(winner);
    expect(compare(result.dx, expected).maxRel).toBeLessThan(tolerance.op);
  });

  it.each([4, 3])('lets NaN win, and -Infinity be a value, with %i channels', async (channels) => {
    const x = input('x', [1, channels, 3, 3]);
    const [y, indices] = maxPool2dWithIndices(x, { kernel: [2, 2], strides: [1, 1] });
    const plane = [1, 9, -Infinity, NaN, 2, -Infinity, 5, NaN, -Infinity];
    const data = Float32Array.from({ length: x.size }, (_, i) => plane[i % 9]!);
    data.set([-Infinity, -Infinity, -Infinity, -Infinity], 9 * (channels - 1));
    const result = await (await testEngine()).evaluate({ y, indices }, { x: data });
    expect([...result.y.slice(0, 4)]).toEqual([NaN, 9, NaN, NaN]);
    expect([...result.indices.slice(0, 4)]).toEqual([3, 1, 3, 7]);
    const last = result.y.slice(-4);
    expect(last[0]).toBe(2);
    expect(result.indices.at(-4)).toBe(4);
  });

  it('keeps -Infinity where a window holds nothing else', async () => {
    const x = input('x', [1, 4, 2, 2]);
    const { y } = await (
      await testEngine()
    ).evaluate({ y: maxPool2d(x, { kernel: [2, 2] }) }, { x: new Float32Array(16).fill(-Infinity) });
    expect([...y]).toEqual([-Infinity, -Infinity, -Infinity, -Infinity]);
  });
});

describe('average pooling', () => {
  const both = cases.flatMap(([name, shape, options]) =>
    [true, false].map((countIncludePad) => [name, countIncludePad, shape, options] as const),
  );
  it.each(both)('%s, padding counts: %s', async (_, countIncludePad, shape, options) => {
    const x = input('x', shape);
    const data = spread(x.size);
    const y = avgPool2d(x, { ...options, countIncludePad });
    const seed = spread(y.size, 5);
    const [dx] = grad(sum(mul(y, constant(seed, y.shape))), [x]);
    const result = await (await testEngine()).evaluate({ y, dx: dx! }, { x: data });

    const [oh, ow] = [y.shape[2]!, y.shape[3]!];
    const [strides, pads] = [options.strides ?? options.kernel, options.pads ?? [0, 0, 0, 0]];
    /** PyTorch: the divisor is the window clipped to the padded picture, or to the picture. */
    const extent = (o: number, axis: 0 | 1) => {
      const start = o * strides[axis]! - pads[axis]!;
      const size = shape[axis + 2]!;
      const end = start + options.kernel[axis];
      return countIncludePad ? Math.min(end, size + pads[axis + 2]!) - start : Math.min(end, size) - Math.max(start, 0);
    };
    const divisor = (i: number) => extent(Math.floor(i / ow) % oh, 0) * extent(i % ow, 1);
    const expected = new Float64Array(y.size);
    const gradient = new Float64Array(x.size);
    windows(shape, [oh, ow], options, (out, at, plane) => {
      expected[out]! += data[plane + at]! / divisor(out);
      gradient[plane + at]! += seed[out]! / divisor(out);
    });
    expect(compare(result.y, expected).maxRel).toBeLessThan(tolerance.op);
    expect(compare(result.dx, gradient).maxRel).toBeLessThan(tolerance.op);
  });
});

describe('extents', () => {
  // Values of torch.nn.functional.max_pool2d.
  it.each([
    [112, 3, 2, 0, true, 56],
    [112, 3, 2, 0, false, 55],
    [112, 3, 2, 1, true, 57],
    [112, 3, 2, 1, false, 56],
    [6, 2, 2, 1, true, 4],
    [4, 2, 3, 1, true, 2],
    [5, 1, 3, 0, true, 2],
    [5, 1, 4, 0, true, 2],
    [4, 1, 4, 0, true, 1],
  ])('of %i by windows of %i, stride %i, padding %i, ceil %s: %i', (size, kernel, stride, pad, ceilMode, out) => {
    const y = maxPool2d(input('x', [1, 1, size, size]), {
      kernel: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      ceilMode,
    });
    expect(y.shape).toEqual([1, 1, out, out]);
  });

  it.each<[string, PoolOptions]>([
    ['a window larger than the picture', { kernel: [6, 1] }],
    ['stride 0', { kernel: [2, 2], strides: [0, 1] }],
    ['an empty window', { kernel: [2, 0] }],
    ['dilation 0', { kernel: [2, 2], dilations: [1, 0] }],
    ['half a stride', { kernel: [2, 2], strides: [1, 1.5] }],
    ['negative pads', { kernel: [2, 2], pads: [0, 0, -1, 0] }],
    ['pads that hold whole windows', { kernel: [2, 2], pads: [0, 2, 0, 0] }],
  ])('refuse %s', (_, options) => {
    expect(() => maxPool2d(input('x', [1, 1, 5, 5]), options)).toThrow(expect.objectContaining({ code: 'shape' }));
  });
});

const builders: Record<string, OracleBuilder> = {
  maxPool2d: ([x], a) => maxPool2dWithIndices(x!, a),
  maxPool2dAlone: ([x], a) => maxPool2d(x!, a),
  avgPool2d: ([x], a) => avgPool2d(x!, a),
  maxPool1d: ([x], a) => maxPool1d(x!, a),
  avgPool1d: ([x], a) => avgPool1d(x!, a),
  globalMaxPool: ([x]) => globalMaxPool(x!),
  globalAvgPool: ([x]) => globalAvgPool(x!),
};

const gradients: [string, GradCheck][] = [
  ['max pool, ceil', { shapes: [[1, 3, 8, 7]], f: (x) => maxPool2d(x!, { kernel: 3, stride: 2, ceilMode: true }) }],
  [
    'max pool, padded',
    { shapes: [[2, 4, 6, 5]], f: (x) => maxPool2d(x!, { kernel: [3, 2], stride: 1, pads: [1, 0, 1, 1] }) },
  ],
  ['avg pool', { shapes: [[1, 3, 7, 6]], f: (x) => square(avgPool2d(x!, { kernel: 3, stride: 2, padding: 1 })) }],
  [
    'avg pool, dilated',
    {
      shapes: [[1, 4, 8, 7]],
      f: (x) =>
        square(
          avgPool2d(x!, { kernel: [2, 3], stride: [2, 1], dilation: [3, 2], padding: [1, 2], countIncludePad: false }),
        ),
    },
  ],
  ['global avg pool', { shapes: [[2, 5, 4, 3]], f: (x) => square(globalAvgPool(x!)) }],
  ['global max pool of three axes', { shapes: [[2, 3, 2, 2, 3]], f: (x) => square(globalMaxPool(x!)) }],
  [
    'max pool of a line',
    { shapes: [[2, 3, 9]], f: (x) => square(maxPool1d(x!, { kernel: 3, stride: 2, padding: [0, 1] })) },
  ],
];

describe.each(adapters)('on %s', (_, engine) => {
  it.each(oracleCases('pooling').map((c) => [`${c.op}: ${c.name}`, c] as const))('%s', async (_name, entry) => {
    await checkOracle(engine, builders[entry.op]!, entry);
  });

  it.each(gradients)('%s: finite differences', async (_name, check) => {
    await gradcheck(engine, { probes: 12, ...check });
  });

  it('pools more windows than one row of workgroups holds', async () => {
    const side = 2049;
    const x = input('x', [1, 1, side, side]);
    const data = Float32Array.from({ length: x.size }, (__, i) => i % 1021);
    const y = maxPool2d(x, { kernel: 1 });
    const { y: max, mean } = await engine.evaluate({ y, mean: avgPool2d(x, { kernel: 1 }) }, { x: data });
    expect(max.every((v, i) => v === data[i])).toBe(true);
    expect(mean.every((v, i) => v === data[i])).toBe(true);
  });
});

describe('options', () => {
  const x = input('x', [1, 2, 8, 8]);
  it('take numbers for pairs, and the kernel for the stride', () => {
    expect(maxPool2d(x, { kernel: 2 }).shape).toEqual([1, 2, 4, 4]);
    expect(maxPool2d(x, { kernel: 3, stride: 2, padding: 1 }).shape).toEqual([1, 2, 4, 4]);
    expect(avgPool2d(x, { kernel: [2, 1], padding: [1, 0], dilation: [2, 1] }).shape).toEqual([1, 2, 4, 8]);
  });

  it.each<[string, string, () => unknown]>([
    ['both forms of one thing', 'invalid-argument', () => maxPool2d(x, { kernel: 2, padding: 1, pads: [1, 1, 1, 1] })],
    ['integers', 'dtype', () => maxPool2d(input('k', [1, 1, 4, 4], 'i32'), { kernel: 2 })],
    ['integers, average', 'dtype', () => avgPool2d(input('k', [1, 1, 4, 4], 'i32'), { kernel: 2 })],
    ['three axes', 'shape', () => avgPool2d(input('l', [1, 4, 4]), { kernel: 2 })],
    ['four axes for a line', 'shape', () => maxPool1d(x, { kernel: 2 })],
    ['planes of no pixels', 'shape', () => globalMaxPool(input('e', [2, 3, 0, 4]))],
    ['a matrix', 'shape', () => globalAvgPool(input('m', [2, 3]))],
  ])('%s is the error %s', (_, code, call) => {
    expect(call).toThrow(expect.objectContaining({ code }));
  });
});
