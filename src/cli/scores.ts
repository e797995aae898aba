/** Small host-side arithmetic on a row of logits. */

export function softmaxOf(logits: Float32Array): Float32Array {
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = logits.map((v) => Math.exp(v - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((v) => v / total);
}

/** Indices of the k highest, highest first. */
export const topClasses = (logits: Float32Array, k: number): number[] =>
  [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!).slice(0, k);
