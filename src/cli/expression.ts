/** The little language of `wgrad eval --grad`: a scalar from named values. */
import { WgradError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { unit } from '../model/unit.ts';
import { crossEntropy } from '../ops/losses.ts';
import { mean, sum } from '../ops/reduce.ts';

const usage = 'Write NAME[i,j], sum(NAME), mean(NAME[:,7]) or cross_entropy(NAME, FILE.safetensors:KEY)';

export interface ExpressionScope {
  value(name: string): Tensor;
  /** Class indices [N] for cross-entropy, from `FILE.safetensors:KEY`. */
  target(source: string): Tensor;
}

/** @throws WgradError 'usage', 'shape', 'unknown-name'. */
export function parseExpression(text: string, scope: ExpressionScope): Tensor {
  const [, name, inner] = /^\s*(sum|mean|cross_entropy)\s*\((.*)\)\s*$/.exec(text) ?? [];
  if (name === 'sum') return sum(unit(inner!, scope.value));
  if (name === 'mean') return mean(unit(inner!, scope.value));
  if (name === 'cross_entropy') {
    const comma = inner!.lastIndexOf(',');
    if (comma < 0) throw new WgradError('usage', `'${text}' lacks the targets`, { remedy: usage });
    return crossEntropy(unit(inner!.slice(0, comma), scope.value), scope.target(inner!.slice(comma + 1).trim()));
  }
  const t = unit(text, scope.value);
  if (t.size !== 1) throw new WgradError('shape', `'${text}' is ${t}, no scalar`, { remedy: usage });
  return t;
}
