/**
 * GPUs by public figures: of their makers, or of databases where makers give none. None of them was measured. Each source
 * was read on 25 November 2026.
 */
export interface Gpu {
  name: string;
  kind: 'integrated' | 'phone' | 'laptop' | 'data centre';
  /** FP32, 1e9 a second; a multiply-add is two. */
  gflops: number;
  /** Memory, 1e9 bytes a second. */
  gbs: number;
  /** FP32 lanes: invocations that compute at once. */
  lanes: number;
  /** Lanes of a subgroup; of several that the GPU has, the one that its compilers choose most. */
  subgroup: number;
  source: string;
}

export const gpus: readonly Gpu[] = [
  {
    name: 'Intel Iris Xe, 96 EU',
    kind: 'integrated',
    gflops: 2074,
    gbs: 68,
    lanes: 768,
    // 8, 16 or 32.
    subgroup: 16,
    source:
      'Intel Core i7-1185G7: 96 execution units of 8 lanes at 1.35 GHz (notebookcheck.net, Iris Xe G7 96EUs), LPDDR4x-4266 on 128 bit: up to 68 GB/s (cputronic.com)',
  },
  {
    name: 'Qualcomm Adreno 650',
    kind: 'phone',
    gflops: 601,
    gbs: 44,
    lanes: 512,
    // 64 or 128.
    subgroup: 64,
    // Qualcomm gives none of it. Half of databases have twice the rate (en.wikipedia.org: 1202), which is that of half floats.
    source:
      'Snapdragon 865: 587 MHz (notebookcheck.net), 512 lanes (hmc-tech.com: 0.69 TFLOP/s at 670 MHz, twice that in half floats; others say 768 lanes), LPDDR5 at 2750 MHz on 64 bit (madshrimps.be)',
  },
  {
    name: 'Apple M1, 8 cores',
    kind: 'laptop',
    gflops: 2617,
    gbs: 68,
    lanes: 1024,
    subgroup: 32,
    source:
      '8 cores of 128 lanes at 1278 MHz (github.com/philipturner/metal-benchmarks, which also has the subgroup), 2.6 TFLOP/s (Apple), LPDDR4x-4266 on 128 bit (askgeek.io)',
  },
  {
    name: 'NVIDIA GeForce RTX 4060 Laptop',
    kind: 'laptop',
    gflops: 14561,
    gbs: 256,
    lanes: 3072,
    subgroup: 32,
    source:
      '3072 lanes, up to 2370 MHz at 115 W, GDDR6 at 16 Gbit/s on 128 bit: 256 GB/s (data-check.eu, fpsbench.com)',
  },
  {
    name: 'NVIDIA A100 40 GB SXM',
    kind: 'data centre',
    gflops: 19500,
    gbs: 1555,
    lanes: 6912,
    subgroup: 32,
    source:
      'NVIDIA A100 datasheet: 19.5 TFLOP/s FP32 without tensor cores, 1555 GB/s; 6912 lanes, warps of 32 (deviceQuery at upb-pc2.atlassian.net)',
  },
];
