/** Batches of a graph that is made for one batch only: once for each part of the pictures, results side by side. */
import { WgradError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { BuiltNetwork } from '../model/network.ts';
import { concat } from '../ops/concat.ts';
import { slice } from '../ops/slice.ts';

/**
 * @param x pictures, the batch first.
 * @param batch what `build` takes.
 * @throws WgradError 'shape' where the pictures are no multiple of it, and what `build` throws.
 */
export function inParts(x: Tensor, batch: number, build: (part: Tensor) => BuiltNetwork): BuiltNetwork {
  const count = x.shape[0]! / batch;
  if (!Number.isInteger(count)) {
    const reason = `the file is made for batches of ${batch}: ${x.shape[0]} pictures are no multiple`;
    throw new WgradError('shape', reason, {
      remedy: `Give pictures by ${batch}, or export the model with an open batch axis`,
    });
  }
  const parts = Array.from({ length: count }, (_, i) =>
    build(slice(x, [i * batch, ...x.shape.slice(1).map(() => 0)], [batch, ...x.shape.slice(1)])),
  );
  const joined = (pick: (part: BuiltNetwork) => Tensor): Tensor => {
    const tensors = parts.map(pick);
    // Parameters, and values that do not depend on the picture, are one tensor in all parts.
    return tensors.every((t) => t === tensors[0]) || tensors[0]!.rank === 0 ? tensors[0]! : concat(tensors, 0);
  };
  const [first] = parts as [BuiltNetwork];
  return {
    outputs: Object.fromEntries(Object.keys(first.outputs).map((name) => [name, joined((p) => p.outputs[name]!)])),
    values: new Map([...first.values.keys()].map((value) => [value, joined((part) => part.values.get(value)!)])),
    updates: parts.flatMap((part) => part.updates),
  };
}
