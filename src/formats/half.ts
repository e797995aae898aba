/** IEEE 754 half precision (f16) and bfloat16, as bit patterns, to float32. Every value converts exactly. */

/** @param bits 16 bits: sign 1, exponent 5 (bias 15), fraction 10. */
export function f16ToF32(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** @param bits the upper half of a float32. */
export function bf16ToF32(bits: number): number {
  word[0] = bits << 16;
  return float[0]!;
}
