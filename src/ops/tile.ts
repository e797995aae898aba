/** x one behind the other `repeats[i]` times along axis i (numpy.tile, ONNX Tile); the gradient is the sum over copies. */
import { WgradError } from '../errors.ts';
import { show } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { broadcastTo } from './broadcast.ts';
import { requireShape, requireTensor } from './check.ts';
import { reshape } from './reshape.ts';

/** @throws WgradError 'shape' where `repeats` has not one whole number of at least 0 for each axis. */
export function tile(x: Tensor, repeats: readonly number[]): Tensor {
  requireTensor('tile', x);
  requireShape('tile', repeats, 'repeats');
  if (repeats.length !== x.rank) {
    throw new WgradError('shape', `tile: ${show(repeats)} repeats do not fit ${x}`);
  }
  // Each repeated axis gets one of its own in front of it, along which x is broadcast.
  const apart = x.shape.flatMap((d, i) => (repeats[i] === 1 ? [d] : [1, d]));
  const spread = x.shape.flatMap((d, i) => (repeats[i] === 1 ? [d] : [repeats[i]!, d]));
  return reshape(
    broadcastTo(reshape(x, apart), spread),
    x.shape.map((d, i) => d * repeats[i]!),
  );
}
