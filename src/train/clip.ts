/** Gradient clipping on the device, in a fixed order of summation: nothing is read back. */
import { scalar } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { addN, div, minimum, mul } from '../ops/binary.ts';
import { sumSquare } from '../ops/reduce.ts';
import { affine, clamp, sqrt } from '../ops/unary.ts';

export interface ClipOptions {
  /** Largest L2 norm of all gradients together, as torch.nn.utils.clip_grad_norm_. */
  clipNorm?: number | undefined;
  /** Largest magnitude of each value, as torch.nn.utils.clip_grad_value_; before the norm is taken. */
  clipValue?: number | undefined;
}

/** g <- g min(1, clipNorm / (|all g| + 1e-6)), with every value within +-clipValue before. */
export function clipGradients(gradients: readonly Tensor[], { clipNorm, clipValue }: ClipOptions): readonly Tensor[] {
  const within = clipValue === undefined ? gradients : gradients.map((g) => clamp(g, -clipValue, clipValue));
  if (clipNorm === undefined) return within;
  const norm = sqrt(addN(within.map((g) => sumSquare(g))));
  const factor = minimum(div(scalar(clipNorm), affine(norm, 1, 1e-6)), scalar(1));
  return within.map((g) => mul(g, factor));
}
