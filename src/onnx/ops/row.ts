/** What a row of the op table is, and what it is given. */
import { WgradError } from '../../errors.ts';
import { attrFloat, attrInt, attrInts, attrString, nodeError, normalizeAxis } from '../attributes.ts';
import type { OnnxDtype, OnnxNode, OnnxTensor } from '../types.ts';
import type { Algebra, Shaped } from './algebra.ts';

/** An input of a node: its value where it is computed, and the constant where it is known at import. */
export interface Operand<T extends Shaped> {
  readonly dtype: OnnxDtype;
  readonly shape: readonly number[];
  readonly known: OnnxTensor | undefined;
  value(): T;
}

/** How a BatchNormalization that normalises by the batch moves its running statistics. */
export interface BatchStatistics {
  /** Whether the node normalises by the batch: the model's mode, or the file's. */
  useBatch: boolean;
  /** Moves running statistics, inputs 3 and 4, towards those of the batch; nothing where they are constants. */
  update(input: number, batch: Shaped, momentum: number, scale: number): void;
}

/** More numbers than any rank, split or padding has; they are copied and searched, and appear in messages. */
const MAX_LIST = 1024;

export class OpContext<T extends Shaped> {
  constructor(
    readonly node: OnnxNode,
    readonly opset: number,
    readonly ops: Algebra<T>,
    /** undefined where optional and omitted. */
    readonly inputs: readonly (Operand<T> | undefined)[],
    readonly statistics: BatchStatistics,
  ) {}

  has(i: number): boolean {
    return this.inputs[i] !== undefined;
  }

  /** @throws 'onnx-invalid' where the input is missing. */
  operand(i: number): Operand<T> {
    const input = this.inputs[i];
    if (!input) throw this.invalid(`input ${i} is missing`);
    return input;
  }

  x(i: number): T {
    return this.operand(i).value();
  }

  /** Whether output `i` has a name: an optional one without is not computed. */
  wants(i: number): boolean {
    return Boolean(this.node.outputs[i]);
  }

  /** Every input that is given. */
  all(): T[] {
    return this.inputs.map((_, i) => this.x(i));
  }

  known(i: number): OnnxTensor | undefined {
    return this.inputs[i]?.known;
  }

  /** Input `i`, which must be known on the host. @throws 'onnx-unsupported' */
  constant(i: number): OnnxTensor {
    const { known } = this.operand(i);
    if (!known) throw this.unsupported(`input ${i} must be constant`);
    return known;
  }

  /** The values of input `i`, a list of extents, axes or amounts; undefined where it is omitted. */
  numbers(i: number): readonly number[] | undefined {
    if (!this.has(i)) return undefined;
    const { data } = this.constant(i);
    if (data.length > MAX_LIST) throw this.invalid(`input ${i} is a list of ${data.length} numbers`);
    return Array.from(data);
  }

  /** The one value of input `i`, or the fallback where it is omitted or empty. */
  scalar(i: number, fallback: number): number {
    return this.has(i) ? (this.constant(i).data[0] ?? fallback) : fallback;
  }

  int(key: string, fallback: number): number {
    return attrInt(this.node, key, fallback);
  }

  flag(key: string, fallback = false): boolean {
    return attrInt(this.node, key, Number(fallback)) !== 0;
  }

  float(key: string, fallback: number): number {
    return attrFloat(this.node, key, fallback);
  }

  /** @throws 'onnx-unsupported' where it is none of `choices`; the first is the default. */
  choice<C extends string>(key: string, ...choices: [C, ...C[]]): C {
    const value = attrString(this.node, key, choices[0]) as C;
    if (!choices.includes(value)) throw this.unsupported(`${key} '${value}'`);
    return value;
  }

  ints(key: string): readonly number[] | undefined {
    return attrInts(this.node, key);
  }

  axis(axis: number, rank: number): number {
    return normalizeAxis(this.node, axis, rank);
  }

  /** Axes that were an attribute before opset `since` and are input `i` from then on; undefined where not given. */
  axes(i: number, since: number, rank: number): number[] | undefined {
    const axes = this.opset < since ? this.ints('axes') : this.numbers(i);
    return axes?.map((axis) => this.axis(axis, rank));
  }

  number(value: number): T {
    return this.ops.constant([value], []);
  }

  unsupported(what: string): WgradError {
    return new WgradError('onnx-unsupported', `node '${this.node.name}' (${this.node.opType}): ${what}`);
  }

  invalid(what: string): WgradError {
    return nodeError(this.node, what);
  }
}

/** One value, or the outputs in their order. */
export type Compute = <T extends Shaped>(c: OpContext<T>) => T | readonly T[];

export interface Row {
  compute: Compute;
  /** Element type of an output; by default that of the first input. */
  dtype?: (c: OpContext<Shaped>, output: number) => OnnxDtype;
  /** The inputs that must be constants: axes, shapes, bounds. */
  constants?: readonly number[];
  /** The inputs whose elements matter, where these are not all: of the others shape and type are enough. */
  reads?: readonly number[];
}

/** Rows by op type; `domain::opType` outside the standard domain. */
export type Rows = Readonly<Record<string, Row>>;

export const row = (compute: Compute, rest: Omit<Row, 'compute'> = {}): Row => ({ compute, ...rest });

/** A result of this element type, whatever goes in. */
export const gives = (dtype: OnnxDtype) => () => dtype;
