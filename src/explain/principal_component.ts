/**
 * The first principal component of activations [K, P] over positions P: with the mean over positions taken off each
 * channel, A_c = U S V^T over positions, the projection S_1 U_1. By power iteration on the Gram matrix A_c^T A_c [P,P],
 * which is small where K is large. Eigen-CAM; Muhammad and Yeasin 2020, arXiv:2008.00299.
 *
 * A principal component has no sign of its own: the one here is that of its correlation with the sum over channels.
 */
export function principalComponent(activations: Float32Array, positions: number): Float32Array {
  const channels = activations.length / positions;
  const centred = Float64Array.from(activations);
  const total = new Float64Array(positions);
  for (let k = 0; k < channels; k++) {
    const row = centred.subarray(k * positions, (k + 1) * positions);
    const mean = row.reduce((a, b) => a + b, 0) / positions;
    for (let p = 0; p < positions; p++) {
      total[p]! += row[p]!;
      row[p]! -= mean;
    }
  }
  const gram = new Float64Array(positions * positions);
  for (let k = 0; k < channels; k++) {
    const row = centred.subarray(k * positions, (k + 1) * positions);
    for (let p = 0; p < positions; p++) {
      const a = row[p]!;
      for (let q = 0; q < positions; q++) gram[p * positions + q]! += a * row[q]!;
    }
  }
  const { vector, value } = dominant(gram, positions);
  const mean = total.reduce((a, b) => a + b, 0) / positions;
  const agreement = vector.reduce((n, v, p) => n + v * (total[p]! - mean), 0);
  const scale = Math.sqrt(value) * (agreement < 0 ? -1 : 1);
  return Float32Array.from(vector, (v) => v * scale);
}

/** Near-ties of the two largest eigenvalues converge slowly: what 5,000 steps leave of the second is below f32. */
const STEPS = 5000;
/** Relative change of the vector at which it has converged, in float64. */
const CONVERGED = 1e-12;

/** The largest eigenvalue of a symmetric positive semi-definite matrix and its unit vector; zeros for a zero matrix. */
function dominant(matrix: Float64Array, n: number): { vector: Float64Array; value: number } {
  // The row of the largest diagonal entry has a part along the vector that is looked for.
  let top = 0;
  for (let i = 1; i < n; i++) if (matrix[i * n + i]! > matrix[top * n + top]!) top = i;
  let vector: Float64Array = matrix.slice(top * n, (top + 1) * n);
  let value = 0;
  for (let step = 0; step < STEPS; step++) {
    const next = times(matrix, vector);
    value = Math.hypot(...next);
    if (value === 0) return { vector: next, value };
    const unit = next.map((v) => v / value);
    const change = Math.hypot(...unit.map((v, i) => v - vector[i]!));
    vector = unit;
    if (change < CONVERGED) break;
  }
  return { vector, value };
}

function times(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  return vector.map((_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += matrix[i * n + j]! * vector[j]!;
    return sum;
  });
}
