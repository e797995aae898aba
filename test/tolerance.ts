/**
 * The one place for tolerances. f32 has a unit roundoff of 6e-8; sums of n terms in another order differ by about
 * sqrt(n) of that, and a ReLU gate or a max-pool winner that flips at a near-tie changes single gradient entries.
 */
export const tolerance = {
  /** Elementwise and short sums: maximum error over the tensor's largest magnitude. */
  op: 1e-5,
  /**
   * Relative and absolute, of one elementwise function at ordinary arguments: the built-in exp may err by 3 + 2|x| ulp,
   * and what is a difference (1 - y^2, 1 + erf) has lost the digits that float32 loses there in PyTorch too.
   */
  function: [5e-6, 1e-6],
  /** The same at arguments up to 100, where exp has lost the digits that x / ln 2 has before its point. */
  specialFunction: [2e-5, 1e-6],
  /** Long sums (convolution, matmul, reductions). */
  longSum: 1e-4,
  /**
   * Relative, of 4096 positive products that are added up in blocks: 3e-7 (by 32) and 1.1e-6 (by 4) were seen, 1.8e-6
   * and 2.7e-6 of the same sums one product at a time.
   */
  blockedSum: 1.5e-6,
  /** Each element of ONNX's node tests, as its own backend test compares; bfloat16 has 8 bits, rounded op by op. */
  onnxNode: { relative: 1e-3, absolute: 1e-5, bf16: 2 ** -6 },
  /** Absolute, for logits of a whole network. */
  logits: 1e-3,
  /** Absolute, for logits of a small network whose weights were rounded to float16: 2^-11 of each. */
  half: 1e-2,
  /** Relative L2 of well-conditioned networks of many layers in f32 against float64: 7e-6 is the most that was seen. */
  zooLogits: 1e-4,
  zooGradient: 1e-4,
  /** Relative L2 of gradients through a small network. */
  miniGradient: 1e-3,
  /** Relative L2 of gradients through ResNet-50: f32 PyTorch itself reaches 3e-3 against float64. */
  resnetGradient: 1e-2,
  /** Relative, after five steps of AdamW: it divides g by |g|, so entries with g near 0 may go either way. */
  adamSteps: 2e-2,
  /** Relative, after twenty steps of a small ResNet in f32 against float64; 3e-4 is the most that was seen. */
  tinySteps: 1e-3,
  /** Of reference activations that are stored as float16. */
  storedHalf: 1e-3,
  /** Relative: AdamW on ResNet-50 is chaotic; f32 PyTorch itself is off by 8 % after five steps on all parameters. */
  adamStepsResnet: 0.15,
  /** Relative L2 where a denominator passes near 0: f32 PyTorch itself is off by 6e-3. */
  illConditioned: 3e-2,
  /** Absolute: energy on the object and rank AUC of two libraries' f32 maps; 1e-5 is the most that was seen. */
  mapMeasure: 2e-5,
  cosine: 0.9999,
  /** Relative L2 of Grad-CAM of ResNet-50: sums over space forgive flips; f32 PyTorch is off by 3e-5 at layer3. */
  resnetCam: 3e-4,
  /** Relative L2 of one ascent step, seen as the difference of two f32 pictures: gradient error and roundoff together. */
  ascentStep: 2e-2,
  /** Ascent with lr 1 moves a picture of +-124 by little: objective over its largest value, and relative L2 of the image. */
  ascentCurve: 1e-3,
  ascentImage: 2e-4,
  /** With lr 64 paths drift apart: f32 PyTorch is off by 4 % of the objective and 3 % of the image after 20 steps. */
  ascentCurveDrifting: 0.2,
  ascentImageDrifting: 0.15,
  /**
   * Relative L2 of the picture of layer3 after 20 steps of Adam without transforms. At step 3 the two largest values of one
   * window of the max-pool (channel 4, row 14, column 7) are 0.411944 and 0.411943, 1.3e-6 apart: float32 takes the other
   * one, the gradient is then 1.7e-2 off where it was 3e-7, and the paths part. Float32 PyTorch is off by 1.9e-2 at step 20.
   */
  ascentFlipped: 1e-2,
  /** Relative L2 of Shapley values from 40 random orders: their standard error is 2 to 3 %. */
  sampledShapley: 0.1,
  /** Central differences of an f32 function with step 1e-2: truncation h^2/6 and roundoff eps/h meet about here. */
  finiteDifference: 2e-2,
} as const;

export interface Difference {
  maxAbs: number;
  /** Maximum error over the largest finite magnitude of the reference. */
  maxRel: number;
  relL2: number;
  cosine: number;
}

/**
 * NaN is right where the reference is NaN, an infinity where the reference is the same infinity, and neither counts
 * in the norms. Any other value that is not finite is an infinite error, with cosine -1.
 */
export function compare(actual: ArrayLike<number>, expected: ArrayLike<number>): Difference {
  if (actual.length !== expected.length) throw new Error(`${actual.length} values against ${expected.length}`);
  let maxAbs = 0;
  let largest = 0;
  let [dd, ee, aa, ae] = [0, 0, 0, 0];
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (Number.isFinite(a) && Number.isFinite(e)) {
      const d = Math.abs(a - e);
      maxAbs = Math.max(maxAbs, d);
      largest = Math.max(largest, Math.abs(e));
      dd += d * d;
      ee += e * e;
      aa += a * a;
      ae += a * e;
    } else if (!Object.is(a, e)) {
      maxAbs = Infinity;
    }
  }
  if (maxAbs === Infinity) return { maxAbs, maxRel: Infinity, relL2: Infinity, cosine: -1 };
  const relL2 = ee > 0 ? Math.sqrt(dd / ee) : Math.sqrt(dd);
  const cosine = aa > 0 && ee > 0 ? ae / Math.sqrt(aa * ee) : aa === ee ? 1 : 0;
  return { maxAbs, maxRel: largest > 0 ? maxAbs / largest : maxAbs, relL2, cosine };
}
