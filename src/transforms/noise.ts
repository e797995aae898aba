/** Gaussian noise, made on the device. */
import { WgradError } from '../errors.ts';
import { input } from '../graph/leaves.ts';
import { add } from '../ops/binary.ts';
import { randomNormal } from '../ops/random_normal.ts';
import { affine } from '../ops/unary.ts';
import { sourceOf, type ValueTransform } from './transform.ts';

/** Adds Gaussian noise of standard deviation `deviation`, made on the device. */
export function noise(deviation: number): ValueTransform {
  const name = `noise(${deviation})`;
  if (!(deviation >= 0 && Number.isFinite(deviation)))
    throw new WgradError('invalid-argument', `${name}: a number of at least 0 is needed`);
  return {
    name,
    build: (x, id) => ({
      y: add(x, affine(randomNormal(input(id, [x.shape[0]!, 2], 'i32'), x.shape), deviation)),
      draw: (from) => ({ [id]: Int32Array.from({ length: 2 * x.shape[0]! }, (_, k) => sourceOf(from, k >> 1).bits()) }),
    }),
  };
}
