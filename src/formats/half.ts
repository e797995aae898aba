/** IEEE 754 half precision (f16) and bfloat16, as bit patterns, to float32, which is exact; and float32 to f16. */

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

/** The bits of the nearest f16, ties to even; beyond 65504 infinity. */
export function f32ToF16(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  // From half of the unit behind 65504 on.
  if (size >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14 the units are all 2^-24: adding 0.5, whose own units are those, rounds to them.
  if (size < 0x38800000) {
    float[0] = Math.abs(value) + 0.5;
    return sign | (word[0]! - 0x3f000000);
  }
  const odd = (size >>> 13) & 1;
  return sign | ((size - 0x38000000 + 0xfff + odd) >>> 13);
}

/** The largest finite half float. */
export const HALF_MAX = 65504;

/** The nearest half floats, ties to even, as bit patterns; beyond 65504 they are infinite. */
export function toHalf(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const half = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i]!;
    const sign = (x >>> 16) & 0x8000;
    const size = x & 0x7fffffff;
    if (size >= 0x47800000) half[i] = sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00);
    else if (size < 0x38800000) {
      // Below 2^-14 a step is 2^-24: adding 1/2 leaves the rounded count of steps in the last bits.
      word[0] = size;
      float[0] = float[0]! + 0.5;
      half[i] = sign | (word[0]! - 0x3f000000);
    } else half[i] = sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  }
  return half;
}

export const fromHalf = (bits: Uint16Array): Float32Array<ArrayBuffer> => Float32Array.from(bits, f16ToF32);
