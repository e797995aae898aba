/**
 * Every op with every argument replaced by what it does not take, in the manner of the WebGPU CTS: each call must be
 * refused with an error that has a code and names the op, and none may pass in silence. TypeScript stops many of them;
 * JavaScript's callers have only this.
 */
import { describe, expect, it } from 'vitest';
import { WgradError } from '../../src/errors.ts';
import { constant, input, Variable } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';

/** An argument: one that is taken, what is not, and what the errors call it. */
interface Argument {
  good: unknown;
  bad: readonly unknown[];
}

let count = 0;
const f = (...shape: number[]) => input(`f${count++}`, shape);
const i = (...shape: number[]) => input(`i${count++}`, shape, 'i32');
const variable = (...shape: number[]) => new Variable(`v${count++}`, shape, new Float32Array(shape.reduce((a, b) => a * b, 1))); // prettier-ignore

const nothing = [null, 1.5, '1', true, {}, [], () => 1];
/** f32 only. */
const float = (...shape: number[]): Argument => ({ good: f(...shape), bad: [undefined, ...nothing, i(...shape)] });
/** f32 of that shape only. */
const exactly = (...shape: number[]): Argument => ({
  good: f(...shape),
  bad: [...float(...shape).bad, f(...shape, 2), f(...shape.slice(1)), f(...shape.map((d) => d + 7))],
});
const index = (...shape: number[]): Argument => ({ good: i(...shape), bad: [undefined, ...nothing, f(...shape)] });
/** Moved bit by bit: of either type. */
const either = (...shape: number[]): Argument => ({ good: f(...shape), bad: [undefined, ...nothing] });
const target = (...shape: number[]): Argument => ({ good: variable(...shape), bad: [undefined, ...nothing, f(...shape)] }); // prettier-ignore
const number = (good: number): Argument => ({ good, bad: [NaN, '1', '', true, {}, [], [1], () => 1] });
/** NaN is a number to pad with. */
const filling = (good: number): Argument => ({ good, bad: ['1', '', true, {}, [], [1], () => 1] });
const least = (good: number): Argument => ({ good, bad: [...number(good).bad, -1, Infinity] });
const whole = (good: number): Argument => ({ good, bad: [NaN, Infinity, -1, 1.5, 2 ** 40, '', '1', {}, [1.5], () => 1] }); // prettier-ignore
const axis = (good: number): Argument => ({ good, bad: [NaN, Infinity, 1.5, 9, -9, 'x', {}, () => 1] });
const choice = (good: string): Argument => ({ good, bad: ['nonsense', '', 1, true, {}, [], null] });
const axes = (good: readonly number[]): Argument => ({ good, bad: [1, 'x', true, {}, [1.5], [NaN], [9], ['x'], () => 1] }); // prettier-ignore
/** A whole number of at least `from` for each axis. */
const list = (good: readonly number[], from = 0): Argument => ({
  good,
  bad: [undefined, null, 1, 'x', true, {}, [], [1.5], ...[NaN, 1.5, 2 ** 40, ...(from > -Infinity ? [from - 1] : [])].map((bad) => [bad, ...good.slice(1)])], // prettier-ignore
});
/** Of the last axes; none is the identity. */
const sizes = (): Argument => ({ good: [8, 8], bad: [undefined, null, 1, 'x', {}, [1.5], [NaN, 8], [0, 8], [2 ** 40, 8], [1, 1, 1, 8, 8]] }); // prettier-ignore
const windows = (good: unknown, from: number): Argument => ({ good, bad: [NaN, Infinity, 1.5, from - 1, '1', true, {}, [1], [1, 1, 1], [1.5, 1], () => 1] }); // prettier-ignore
const tensors = (...parts: Tensor[]): Argument => ({ good: parts, bad: [undefined, ...nothing, [null, parts[0]], [parts[0], 3], [parts[0], i(...parts[0]!.shape)]] }); // prettier-ignore
const options = (of: Readonly<Record<string, Argument>>): Argument => {
  const good = Object.fromEntries(Object.entries(of).map(([name, a]) => [name, a.good]));
  const swapped = Object.entries(of).flatMap(([name, a]) => a.bad.map((bad) => ({ ...good, [name]: bad })));
  return { good, bad: [null, 1, 'x', { ...good, misspelt: 1 }, ...swapped] };
};

const unary = ['abs', 'ceil', 'cos', 'erf', 'exp', 'floor', 'hardSwish', 'log', 'logicalNot', 'mish', 'neg', 'reciprocal', 'relu', 'round', 'rsqrt', 'selu', 'sigmoid', 'sign', 'silu', 'sin', 'softplus', 'softsign', 'sqrt', 'square', 'tanh', 'trunc']; // prettier-ignore
const binary = ['add', 'div', 'equal', 'greater', 'greaterOrEqual', 'less', 'lessOrEqual', 'logicalAnd', 'logicalOr', 'logicalXor', 'mask', 'maximum', 'minimum', 'mul', 'prelu', 'sub']; // prettier-ignore
const reductions = ['l1', 'logSum', 'logSumExp', 'max', 'mean', 'min', 'norm', 'prod', 'sum', 'sumSquare', 'variance'];
const each = (names: readonly string[], args: () => Argument[]) => Object.fromEntries(names.map((n) => [n, args()]));
const image = () => float(1, 2, 6, 6);
const pool = { kernel: windows(2, 1), stride: windows(2, 1), padding: windows(0, 0), dilation: windows(1, 1) };
const vectors = { weight: exactly(3), bias: exactly(3), mean: exactly(3), variance: exactly(3) };
const settings = () => ({ good: constant(new Float32Array(ops.SETTINGS), [1, ops.SETTINGS]), bad: [...float().bad, f(1, 3)] }); // prettier-ignore

const table: Readonly<Record<string, readonly Argument[]>> = {
  ...each(unary, () => [float(2, 3)]),
  ...each(binary, () => [float(2, 3), float(2, 3)]),
  ...each(['addN', 'meanN', 'maximumN', 'minimumN'], () => [tensors(f(2), f(2))]),
  ...each(reductions, () => [float(2, 3), axes([1])]),
  affine: [float(2), number(2), number(1)],
  argmax: [float(2, 3), axis(1), options({})],
  argmin: [float(2, 3), axis(1), options({})],
  assign: [target(2), exactly(2)],
  avgPool1d: [float(1, 2, 6), options({ kernel: whole(2) })],
  avgPool2d: [image(), options({ kernel: pool.kernel, stride: pool.stride, padding: pool.padding })],
  batchNorm: [float(2, 3, 4, 4), options(vectors), least(1e-5)],
  batchNormTrain: [float(2, 3, 4, 4), exactly(3), exactly(3), least(1e-5)],
  binaryCrossEntropyWithLogits: [exactly(2, 3), exactly(2, 3), options({ reduction: choice('mean') })],
  blend: [target(2), exactly(2), exactly(2)],
  boundUpdate: [target(2), exactly(2), exactly(2)],
  broadcastTo: [either(3), list([2, 3])],
  castTo: [float(2), choice('integer')],
  clamp: [float(2), number(0), number(1)],
  concat: [tensors(f(2, 3), f(2, 3)), axis(1)],
  conv2d: [float(1, 4, 5, 5), float(4, 2, 3, 3), { good: f(4), bad: [i(4), f(3), f(4, 1), 3, 'x', {}] }, options({ stride: windows(1, 1), padding: windows(1, 0), dilation: windows(1, 1), groups: whole(2) })], // prettier-ignore
  crossEntropy: [float(2, 3), { good: i(2), bad: [undefined, ...nothing, f(2), i(3), f(2, 4)] }, options({ reduction: choice('mean'), labelSmoothing: least(0.1), ignoreIndex: number(3) })], // prettier-ignore
  elu: [float(2), number(1)],
  emaUpdate: [target(2), exactly(2), number(0.1), number(1)],
  gather: [either(2, 3), { good: [0, 1], bad: [undefined, null, 1, 'x', {}, [1.5], [NaN], [3], [-4], [2 ** 40], f(2)] }, axis(1)], // prettier-ignore
  gelu: [float(2), choice('tanh')],
  globalAvgPool: [image()],
  globalMaxPool: [image()],
  hardSigmoid: [float(2), number(0.2), number(0.5)],
  leakyRelu: [float(2), number(0.1)],
  logSoftmax: [float(2, 3), axis(1)],
  matmul: [float(2, 3), exactly(3, 4), options({})],
  maxPool1d: [float(1, 2, 6), options({ kernel: whole(2) })],
  maxPool2d: [image(), options(pool)],
  maxPool2dWithIndices: [image(), options(pool)],
  meanSquaredError: [exactly(2, 3), exactly(2, 3), choice('mean')],
  oneHot: [index(3), whole(4)],
  pad: [either(2, 3), list([1, 1], -Infinity), list([1, 1], -Infinity), filling(0), choice('edge')],
  pow: [float(2, 3), { good: 2, bad: [NaN, '1', true, {}, [], () => 1, f(5, 5)] }],
  randomNormal: [index(2), { good: [2, 3], bad: [undefined, null, 1, 'x', {}, [1.5], [-1], [2 ** 40]] }],
  reshape: [either(2, 3), { good: [3, 2], bad: [undefined, null, 1, 'x', {}, [], [4], [-1, -1], [1.5, 4], [-2, -3]] }],
  resize: [float(1, 2, 4, 4), sizes(), options({ mode: choice('nearest') })],
  resizeBilinear: [float(1, 2, 4, 4), sizes()],
  sgdUpdate: [target(2), exactly(2), settings()],
  shift2d: [float(1, 2, 4, 4), { good: i(2), bad: [undefined, ...nothing, f(2), i(3)] }],
  slice: [either(2, 3), list([0, 0]), list([1, 2])],
  softmax: [float(2, 3), axis(1)],
  split: [either(2, 4), { good: [2, 2], bad: [undefined, null, 'x', {}, [], [3], [1.5, 2.5], [-1, 5], 2 ** 40, 0, 1.5] }, axis(1)], // prettier-ignore
  stopGradient: [either(2)],
  sumTo: [float(2, 3), { good: [3], bad: [undefined, null, 3, 'x', {}, [2], [-1], [1.5], [7, 2, 3]] }],
  tile: [either(2, 3), list([2, 1])],
  transpose: [either(2, 3), { good: [1, 0], bad: [1, 'x', {}, [], [0], [0, 0], [0, 2], [1.5, 0]] }],
  warp: [float(1, 2, 4, 4), { good: f(1, ops.PLACE), bad: [...float().bad, f(1, 5), f(3, ops.PLACE)] }, list([4, 4], 1), options({ border: choice('edge'), fill: number(1) })], // prettier-ignore
  where: [float(2, 3), float(2, 3), float(2, 3)],
};

/** Not ops: numbers for them. The optimisers' steps are alike: sgdUpdate stands for all. */
const others = ['SETTINGS', 'PLACE', 'sgdSettings', 'adamSettings', 'rmspropSettings', 'adamUpdate', 'rmspropUpdate'];

const shown = (value: unknown): string =>
  Array.isArray(value) ? `[${value.map(shown).join()}]` : typeof value === 'object' && value && Object.getPrototypeOf(value) === Object.prototype ? `{${Object.entries(value).map(([k, v]) => `${k}: ${shown(v)}`).join()}}` : String(value); // prettier-ignore

it('every op is in the table', () => {
  expect(Object.keys(ops).filter((name) => !others.includes(name) && !Object.hasOwn(table, name))).toEqual([]);
});

describe('refuses what it does not take', () => {
  it.each(Object.entries(table))('%s', (name, args) => {
    const call = ops[name as keyof typeof ops] as (...given: unknown[]) => unknown;
    const good = args.map((a) => a.good);
    expect(() => call(...good), 'what it takes').not.toThrow();
    const passed: string[] = [];
    args.forEach(({ bad }, at) =>
      bad.forEach((value) => {
        const what = `argument ${at + 1} = ${shown(value)}`;
        try {
          call(...good.map((g, k) => (k === at ? value : g)));
          passed.push(what);
        } catch (error) {
          if (!(error instanceof WgradError)) passed.push(`${what}: ${String(error)}`);
        }
      }),
    );
    expect(passed).toEqual([]);
  });
});
