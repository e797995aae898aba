/** Pictures that stand for 'nothing': what a method compares with. */
import { WgradError } from '../errors.ts';
import { show, sizeOf } from '../graph/shape.ts';
import { floats } from '../options.ts';

/** The option of every method that takes them. */
export const baselinesOption = floats('pictures [K,C,H,W] in input space to compare with (default: one of zeros)');

/** Given pictures with their number, or one of zeros. @throws WgradError 'shape'. */
export function readBaselines(
  method: string,
  given: Float32Array | undefined,
  shape: readonly number[],
): { pictures: Float32Array; count: number } {
  const size = sizeOf(shape);
  const pictures = given ?? new Float32Array(size);
  if (pictures.length === 0 || pictures.length % size !== 0) {
    throw new WgradError('shape', `${method}: ${pictures.length} values are no baselines of ${show(shape)}`);
  }
  return { pictures, count: pictures.length / size };
}
