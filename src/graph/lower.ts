/** What an op's `lower` may ask of the planner. */
import type { Choices } from '../gemm/choose.ts';
import type { Constants, Kernel } from '../gpu/kernel.ts';
import type { Layout, Tensor } from './tensor.ts';

/** A region of device memory that the planner will place: opaque to ops. */
export interface Storage {
  readonly bytes: number;
}

export type Bindings<K extends Kernel> = { readonly [N in keyof K['bindings']]: Storage };

export interface Dispatch<K extends Kernel> {
  bindings: Bindings<K>;
  constants?: Constants<K>;
  /** Workgroup counts; each at most 65,535 (see gpu/grid.ts). */
  workgroups: readonly [number, number?, number?];
}

/** What an op may ask of the planner while it writes its dispatches. */
export interface LowerContext {
  /** The device's limits. */
  readonly limits: GPUSupportedLimits;
  /** Which kernel solves a GEMM problem. */
  readonly choices: Pick<Choices, 'of'>;
  /** The layout in which `t` is stored at this point of the plan. */
  layoutOf(t: Tensor): Layout;
  /** Where `t` is stored; with a layout, converted to it first (once per tensor and layout). */
  read(t: Tensor, layout?: Layout): Storage;
  /** The pairs of half floats of a variable that is stored as such, see {@link Variable.half}. */
  packed(t: Tensor): Storage;
  /** Allocates an output in `layout` (default 'row'). */
  write(t: Tensor, layout?: Layout): Storage;
  /** `output` is `input` under another shape: same bytes, no dispatch. */
  alias(output: Tensor, input: Tensor, layout?: Layout): void;
  /** For effects: the variable's own storage, to be updated in place. */
  update(variable: Tensor): Storage;
  /** For effects: one u32; where it is not 0, their kernels write nothing. */
  guard(): Storage;
  /** Memory that lives during this node's dispatches only. */
  scratch(elements: number): Storage;
  /** A small read-only constant. */
  constant(data: Float32Array | Int32Array | Uint32Array): Storage;
  /** Adds a dispatch of a kernel to the plan. */
  dispatch<K extends Kernel>(kernel: K, dispatch: Dispatch<K>): void;
}
