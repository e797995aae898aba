/** The little language of `wgrad eval --grad`: a scalar from named values. */
import { WgradError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { crossEntropy } from '../ops/losses.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';

const usage = 'Write NAME[i,j], sum(NAME), mean(NAME[:,7]) or cross_entropy(NAME, FILE.safetensors:KEY)';

/** NAME or NAME[i,:,j]: `:` keeps an axis, a number (negative counts from the end) takes one element of it. */
function term(text: string, value: (name: string) => Tensor): Tensor {
  const [, name, indices] = /^\s*([^[\]()]+?)\s*(?:\[([^\]]*)\])?\s*$/.exec(text) ?? [];
  if (!name) throw new WgradError('usage', `'${text}' is no value`, { remedy: usage });
  const t = value(name);
  if (indices === undefined) return t;
  const parts = indices.split(',').map((p) => p.trim());
  if (parts.length > t.rank) throw new WgradError('shape', `'${text}' has more indices than ${t} has axes`);
  const picks = t.shape.map((extent, axis) => {
    const part = parts[axis] ?? ':';
    if (part === ':') return null;
    const index = Number(part) < 0 ? Number(part) + extent : Number(part);
    if (part === '' || !Number.isInteger(index) || index < 0 || index >= extent) {
      throw new WgradError('shape', `'${text}': index ${part} is outside axis ${axis} of ${t}`);
    }
    return index;
  });
  const taken = slice(
    t,
    picks.map((p) => p ?? 0),
    t.shape.map((d, i) => (picks[i] === null ? d : 1)),
  );
  return reshape(
    taken,
    t.shape.filter((_, i) => picks[i] === null),
  );
}

export interface ExpressionScope {
  value(name: string): Tensor;
  /** Class indices [N] for cross-entropy, from `FILE.safetensors:KEY`. */
  target(source: string): Tensor;
}

/** @throws WgradError 'usage', 'shape', 'unknown-name'. */
export function parseExpression(text: string, scope: ExpressionScope): Tensor {
  const [, name, inner] = /^\s*(sum|mean|cross_entropy)\s*\((.*)\)\s*$/.exec(text) ?? [];
  if (name === 'sum') return sum(term(inner!, scope.value));
  if (name === 'mean') return mean(term(inner!, scope.value));
  if (name === 'cross_entropy') {
    const comma = inner!.lastIndexOf(',');
    if (comma < 0) throw new WgradError('usage', `'${text}' lacks the targets`, { remedy: usage });
    return crossEntropy(term(inner!.slice(0, comma), scope.value), scope.target(inner!.slice(comma + 1).trim()));
  }
  const t = term(text, scope.value);
  if (t.size !== 1) throw new WgradError('shape', `'${text}' is ${t}, no scalar`, { remedy: usage });
  return t;
}
