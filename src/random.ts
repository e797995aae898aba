/**
 * Seeded randomness, the same on every platform: xoshiro128** (Blackman and Vigna, 2018), its state filled by a
 * SplitMix-like mixer with the murmur3 constants from a hash of the seed (FNV-1a). Not for secrets.
 */
export class Random {
  private readonly s: Uint32Array;
  private spare: number | undefined;

  constructor(seed: number | string) {
    let h = 0x9e3779b9;
    for (const c of String(seed)) h = Math.imul(h ^ c.charCodeAt(0), 0x01000193) >>> 0;
    this.s = Uint32Array.from({ length: 4 }, () => {
      h = (h + 0x9e3779b9) >>> 0;
      let z = h;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    });
  }

  /** 32 random bits. */
  bits(): number {
    const s = this.s;
    const rotate = (x: number, k: number) => ((x << k) | (x >>> (32 - k))) >>> 0;
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 11);
    return result;
  }

  /** Uniform in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.bits() / 2 ** 32);
  }

  /** A whole number in [0, n). */
  int(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal (polar method). */
  normal(): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return value;
    }
    for (;;) {
      const u = this.uniform(-1, 1);
      const v = this.uniform(-1, 1);
      const q = u * u + v * v;
      if (q >= 1 || q === 0) continue;
      const f = Math.sqrt((-2 * Math.log(q)) / q);
      this.spare = v * f;
      return u * f;
    }
  }

  /** From Gamma(alpha) of scale 1 (Marsaglia and Tsang 2000; below 1 by their power of a uniform number). */
  gamma(alpha: number): number {
    if (alpha < 1) return this.gamma(alpha + 1) * (1 - this.uniform()) ** (1 / alpha);
    const d = alpha - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - this.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  /** From Beta(alpha, alpha), the symmetric one. */
  beta(alpha: number): number {
    const [a, b] = [this.gamma(alpha), this.gamma(alpha)];
    // Both are 0 in float64 for the smallest alphas: then it lies at either end.
    return a + b > 0 ? a / (a + b) : this.int(2);
  }

  /** One of the list, each as likely. */
  pick<T>(list: readonly T[]): T {
    return list[this.int(list.length)]!;
  }

  /** A shuffled copy. */
  shuffle<T>(list: readonly T[]): T[] {
    const copy = [...list];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [copy[i], copy[j]] = [copy[j]!, copy[i]!];
    }
    return copy;
  }

  /** An independent generator for `label`; the same label gives the same one, for the same state of this one. */
  fork(label: number | string): Random {
    return new Random(`${this.s[0]}:${this.s[3]}:${label}`);
  }
}
