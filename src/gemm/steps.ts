/** The elementwise steps that a GEMM may run behind its sum, by the digits of kernels/parts/epilogue.wgsl. */
export type StepKind = 'scale' | 'shift' | 'add' | 'relu' | 'mask' | 'bits';

const digits: Readonly<Record<StepKind, number>> = { scale: 1, shift: 2, add: 3, relu: 4, mask: 5, bits: 6 };

/** A list as the kernels' constant STEPS has it: one hexadecimal digit a step, the first one lowest. */
export const stepCode = (steps: readonly StepKind[]): number =>
  steps.reduceRight((code, kind) => code * 16 + digits[kind], 0);
