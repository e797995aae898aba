/** Cases of test/fixtures/ops, made by PyTorch (scripts/fixtures/tensor_ops.py): values and gradients of an op. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import type { Engine } from '../../src/engine.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import type { DType, Tensor } from '../../src/graph/tensor.ts';
import { add } from '../../src/ops/binary.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { compare, tolerance } from '../tolerance.ts';

type Value = number | 'NaN' | 'Infinity' | '-Infinity';

export interface OracleTensor {
  shape: number[];
  dtype: DType;
  data: Value[];
}

export interface OracleCase {
  op: string;
  name: string;
  args: Record<string, any>;
  inputs: OracleTensor[];
  outputs: OracleTensor[];
  /** Of sum(output * seed), with respect to the f32 inputs. */
  gradients?: Value[][];
}

/** Builds a case's outputs from its inputs. */
export type OracleBuilder = (inputs: Tensor[], args: any) => Tensor | readonly Tensor[];

export const oracleCases = (group: string): OracleCase[] =>
  JSON.parse(readFileSync(new URL(`../fixtures/ops/${group}.json`, import.meta.url), 'utf8')) as OracleCase[];

export const numbers = (values: readonly Value[]): number[] => values.map(Number);

/** The tensor as a leaf with fixed values. */
export function oracleConstant(t: OracleTensor): Tensor {
  const data = t.dtype === 'i32' ? Int32Array.from(numbers(t.data)) : Float32Array.from(numbers(t.data));
  return constant(data, t.shape);
}

const seedOf = (y: Tensor): Tensor =>
  constant(
    Float32Array.from({ length: y.size }, (_, i) => (((7 * i) % 11) - 5) / 4),
    y.shape,
  );

export async function checkOracle(
  engine: Engine,
  build: OracleBuilder,
  entry: OracleCase,
  limit: number = tolerance.op,
): Promise<void> {
  const inputs = entry.inputs.map((t, i) => input(`x${i}`, t.shape, t.dtype));
  const built = build(inputs, entry.args);
  const outputs = Array.isArray(built) ? (built as Tensor[]) : [built as Tensor];
  const wanted: Record<string, Tensor> = Object.fromEntries(outputs.map((t, i) => [`y${i}`, t]));
  const expected: Record<string, number[]> = {};
  entry.outputs.forEach((t, i) => (expected[`y${i}`] = numbers(t.data)));
  expect(outputs.map((t) => t.shape)).toEqual(entry.outputs.map((t) => t.shape));
  expect(outputs.map((t) => t.dtype)).toEqual(entry.outputs.map((t) => t.dtype));
  if (entry.gradients) {
    const loss = outputs
      .filter((y) => y.dtype === 'f32')
      .map((y) => sum(mul(y, seedOf(y))))
      .reduce((a, b) => add(a, b));
    grad(
      loss,
      inputs.filter((t) => t.dtype === 'f32'),
    ).forEach((g, i) => {
      wanted[`gradient ${i}`] = g;
      expected[`gradient ${i}`] = numbers(entry.gradients![i]!);
    });
  }
  const feeds: Record<string, Float32Array | Int32Array> = {};
  entry.inputs.forEach((t, i) => {
    feeds[`x${i}`] = t.dtype === 'i32' ? Int32Array.from(numbers(t.data)) : Float32Array.from(numbers(t.data));
  });
  const program = await engine.compile({ outputs: wanted });
  const needed = Object.entries(feeds).filter(([name]) => program.plan.inputs.has(name));
  const result = await program.run(Object.fromEntries(needed)).finally(() => program.dispose());
  for (const [name, values] of Object.entries(expected)) {
    const actual = result[name]!;
    const { maxRel } = compare(actual, values);
    expect(maxRel, `${name}: ${actual.slice(0, 9)} against ${values.slice(0, 9)}`).toBeLessThanOrEqual(limit);
  }
}
