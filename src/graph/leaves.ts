/** The graph's leaves: inputs, constants and variables. */
import { WgradError } from '../errors.ts';
import type { Op } from './op.ts';
import { show, sizeOf, type Shape } from './shape.ts';
import { apply1, type DType, type Layout, type Tensor, type TensorData } from './tensor.ts';

const noLowering = () => {
  throw new Error('leaves are bound by the planner, not lowered');
};

export interface InputAttrs {
  name: string;
  shape: Shape;
  dtype: DType;
}

export const inputOp: Op<InputAttrs> = {
  name: 'input',
  infer: (_, a) => [{ shape: a.shape, dtype: a.dtype }],
  lower: noLowering,
};

/** A value given at each run: `program.run({ [name]: data })`. */
export const input = (name: string, shape: Shape, dtype: DType = 'f32'): Tensor =>
  apply1(inputOp, [], { name, shape: [...shape], dtype });

export interface ConstantAttrs {
  data: TensorData;
  shape: Shape;
}

export const constantOp: Op<ConstantAttrs> = {
  name: 'constant',
  infer: (_, a) => [{ shape: a.shape, dtype: a.data instanceof Int32Array ? 'i32' : 'f32' }],
  lower: noLowering,
};

/** Host data fixed for good, row-major; uploaded once per Program. */
export function constant(data: TensorData | readonly number[], shape?: Shape): Tensor {
  const array = data instanceof Float32Array || data instanceof Int32Array ? data : Float32Array.from(data);
  const dims = shape ?? [array.length];
  if (sizeOf(dims) !== array.length) {
    throw new WgradError('shape', `constant: ${array.length} values do not fill the shape ${show(dims)}`);
  }
  return apply1(constantOp, [], { data: array, shape: [...dims] });
}

/** A constant of one value, shape []. */
export const scalar = (value: number): Tensor => constant(Float32Array.of(value), []);

/** A device-resident value that outlives Programs: a parameter, a running statistic, an optimiser's moment. */
export class Variable {
  readonly tensor: Tensor;
  readonly shape: Shape;
  private given: Float32Array<ArrayBufferLike> | undefined;
  /** Whether it begins as zeros that the host does not hold. */
  readonly isZero: boolean;

  /**
   * @param data initial values, row-major in `shape`; kept by reference, never written to. 'zeros' take no memory on the
   *   host and are not uploaded.
   * @param layout physical order on the device; convolution weights (OIHW) use 'hwio'.
   * @param again brings `data` once more, from a file: the host then lets go of them when they are on a device. Without
   *   `data` ('later') they are brought when they are first needed.
   * @param half stored on the device as half floats, rounded to nearest: for weights 'hwio' of whole groups of four
   *   channels that are not trained. Convolutions read them as they are, other ops get them unpacked.
   */
  constructor(
    readonly name: string,
    shape: Shape,
    data: Float32Array<ArrayBufferLike> | 'zeros' | 'later',
    readonly layout: Layout = 'row',
    private readonly again?: () => Promise<Float32Array>,
    readonly half = false,
  ) {
    if (typeof data !== 'string' && sizeOf(shape) !== data.length) {
      throw new WgradError('shape', `variable ${name}: ${data.length} values do not fill the shape ${show(shape)}`);
    }
    if (layout !== 'row' && shape.length !== 4) {
      throw new WgradError('shape', `variable ${name}: layout ${layout} needs rank 4, the shape is ${show(shape)}`);
    }
    if (half && (layout !== 'hwio' || shape[0]! % 4 !== 0 || shape[1]! % 4 !== 0)) {
      throw new WgradError('invalid-argument', `variable ${name}: half precision needs 'hwio' and channels in fours`);
    }
    this.shape = [...shape];
    this.isZero = data === 'zeros';
    this.given = typeof data === 'string' ? undefined : data;
    this.tensor = apply1(variableOp, [], { variable: this });
    this.tensor.node.name = name;
  }

  /**
   * Values of an engine that has not seen it: what was given, or zeros made anew at each call.
   * @throws WgradError 'invalid-argument' where the host has let go of them: see {@link bring}.
   */
  get initial(): Float32Array<ArrayBufferLike> {
    if (this.given) return this.given;
    if (this.isZero) return new Float32Array(this.tensor.size);
    throw new WgradError('invalid-argument', `${this.name}: its first values are not in memory any more`, {
      remedy: 'Await variable.bring(), or load the model with hostCopy: true',
    });
  }

  /** What it takes on the device. */
  get bytes(): number {
    return this.tensor.size * (this.half ? 2 : 4);
  }

  /** Whether {@link initial} is to be had without reading a file. */
  get isAtHand(): boolean {
    return this.isZero || this.given !== undefined;
  }

  /** {@link initial}, read again where the host has let go of it. @throws (rejects) what reading throws. */
  async bring(): Promise<Float32Array<ArrayBufferLike>> {
    return this.isAtHand ? this.initial : this.again!();
  }

  /** Lets go of values that can be brought again: they are on a device. */
  letGo(): void {
    if (this.again) this.given = undefined;
  }
}

export interface VariableAttrs {
  variable: Variable;
}

export const variableOp: Op<VariableAttrs> = {
  name: 'variable',
  infer: (_, a) => [{ shape: a.variable.shape, dtype: 'f32' }],
  lower: noLowering,
};

/** The variable behind a leaf, or undefined. */
export const variableOf = (t: Tensor): Variable | undefined =>
  t.node.op === variableOp ? (t.node.attrs as VariableAttrs).variable : undefined;
