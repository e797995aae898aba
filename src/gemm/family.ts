/** A kernel family: which problems it fits, on which devices, and how one of its tiles is launched. */
import type { Kernel } from '../gpu/kernel.ts';
import type { GemmProblem } from './problem.ts';

/** What the choice of a kernel may depend on. */
export interface GemmDevice {
  limits: Pick<
    GPUSupportedLimits,
    'maxComputeInvocationsPerWorkgroup' | 'maxComputeWorkgroupStorageSize' | 'maxComputeWorkgroupsPerDimension'
  >;
  /** Lanes of every subgroup, where the device has subgroups and all have as many; else 0. */
  subgroup: number;
  /** The adapter computes on the CPU. */
  software: boolean;
}

/** Plain data: choices are kept in files. */
export interface Choice {
  family: string;
  /** The family's name for a tile, e.g. '8x16'. */
  tile: string;
  /** Parts that the sum is split into, to be added up in order afterwards. */
  parts: number;
}

/** What a problem is about: the factors, the result, and what the epilogue's steps read. */
export type Operand = 'a' | 'b' | 'y' | 'scale' | 'shift' | 'residual' | 'gate';

/** Memory between the passes of a launch. */
export interface Scratch {
  /** f32 values. */
  readonly elements: number;
}

/** One dispatch; numbers are bound as buffers of their own. */
export interface Pass {
  kernel: Kernel;
  constants: Readonly<Record<string, number | boolean>>;
  bindings: Readonly<Record<string, Operand | Scratch | Int32Array>>;
  workgroups: readonly [number, number, number];
}

export interface GemmFamily {
  name: string;
  /** What may be tried, for the cost model to rank and for tuning to measure; empty where the family does not fit. */
  candidates(problem: GemmProblem, device: GemmDevice): Choice[];
  /**
   * The passes that compute the problem into `y`, or its parts side by side.
   * @param steps the epilogue's code: 0 where it runs afterwards.
   */
  launch(problem: GemmProblem, choice: Choice, y: 'y' | Scratch, steps: number): Pass[];
}
