/** Regions of device memory as the planner sees them, and the steps that use them. */
import type { Kernel } from '../gpu/kernel.ts';
import type { PlanNode } from '../graph/op.ts';
import type { Variable } from '../graph/leaves.ts';
import type { TensorData } from '../graph/tensor.ts';
import type { Storage } from '../graph/lower.ts';

/**
 * planned: an intermediate, placed by the memory plan. static: depends on frozen variables and constants only, computed
 * once and kept. input, constant, variable: what the names say.
 */
export type RegionKind = 'planned' | 'static' | 'input' | 'constant' | 'variable';

export interface Region extends Storage {
  readonly kind: RegionKind;
  readonly bytes: number;
  readonly label: string;
  first: number;
  last: number;
  variable?: Variable;
  data?: TensorData | Uint32Array<ArrayBufferLike>;
  buffer?: GPUBuffer;
}

export interface Step {
  kernel: Kernel;
  code: string;
  /** In the order of the kernel's bindings. */
  regions: Region[];
  workgroups: [number, number, number];
  node: PlanNode;
}
