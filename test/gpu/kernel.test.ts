/** Specialised modules: what their text says. Nothing is compiled. */
import { expect, it } from 'vitest';
import { stepCode } from '../../src/gemm/steps.ts';
import { specialize } from '../../src/gpu/kernel.ts';
import { gemmFinish } from '../../src/gpu/kernels.gen.ts';

it('an epilogue calls the steps of its list in order, and none of an empty one', () => {
  const epilogue = (steps: Parameters<typeof stepCode>[0]) =>
    /fn epilogue.*return (.*);/.exec(specialize(gemmFinish, { STEPS: stepCode(steps) }))![1]!.replace(/,[^)]*/g, '');
  expect(epilogue([])).toBe('v');
  expect(epilogue(['scale', 'shift', 'add', 'relu'])).toBe('rectified(added(shifted(scaled(v))))');
  expect(epilogue(['mask', 'bits'])).toBe('masked_by_bits(masked(v))');
});
