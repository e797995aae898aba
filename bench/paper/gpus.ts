/** GPUs by their makers' public figures. None of them was measured. */
export interface Gpu {
  name: string;
  kind: 'integrated' | 'phone' | 'laptop' | 'data centre';
  /** FP32, 1e9 a second; a multiply-add is two. */
  gflops: number;
  /** Memory, 1e9 bytes a second. */
  gbs: number;
  /** FP32 lanes: invocations that compute at once. */
  lanes: number;
  /** Lanes of a subgroup. */
  subgroup: number;
  source: string;
}

export const gpus: readonly Gpu[] = [
  {
    name: 'Intel Iris Xe, 96 EU',
    kind: 'integrated',
    gflops: 2073,
    gbs: 68,
    lanes: 768,
    subgroup: 16,
    source: 'Intel Core i7-1185G7: 96 execution units of 8 lanes at 1.35 GHz, LPDDR4x-4266 on 128 bit (ark.intel.com)',
  },
  {
    name: 'Qualcomm Adreno 650',
    kind: 'phone',
    gflops: 1202,
    gbs: 44,
    lanes: 512,
    subgroup: 64,
    source:
      'Snapdragon 865: 512 lanes at 587 MHz and two multiply-adds a clock (en.wikipedia.org/wiki/Adreno), LPDDR5-5500 on 64 bit (qualcomm.com)',
  },
  {
    name: 'Apple M1, 8 cores',
    kind: 'laptop',
    gflops: 2600,
    gbs: 68,
    lanes: 1024,
    subgroup: 32,
    source: '2.6 TFLOP/s (apple.com/newsroom, 10 November 2020), LPDDR4x-4266 on 128 bit',
  },
  {
    name: 'NVIDIA GeForce RTX 4060 Laptop',
    kind: 'laptop',
    gflops: 14560,
    gbs: 256,
    lanes: 3072,
    subgroup: 32,
    source: '3072 lanes at 2.37 GHz, GDDR6 at 16 Gbit/s on 128 bit (nvidia.com/geforce/laptops/compare)',
  },
  {
    name: 'NVIDIA A100 40 GB SXM',
    kind: 'data centre',
    gflops: 19500,
    gbs: 1555,
    lanes: 6912,
    subgroup: 32,
    source: 'NVIDIA A100 Tensor Core GPU datasheet: 19.5 TFLOP/s FP32 without tensor cores, 1555 GB/s',
  },
];
