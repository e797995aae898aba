/** Fresh networks of the right shapes, for when there are no weights: what is computed takes the same time. */
import { resnetGraph } from '../../scripts/resnet.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import type { NetworkSource } from './case.ts';

const neutral = { mean: [0, 0, 0], std: [1, 1, 1], seed: 0 };
const names = (count: number) => Array.from({ length: count }, (_, i) => `class ${i}`);

async function source(
  name: string,
  bytes: Uint8Array,
  about: Pick<NetworkSource, 'side' | 'classes' | 'spread'>,
): Promise<NetworkSource> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  const sha256 = Array.from(hash, (b) => b.toString(16).padStart(2, '0')).join('');
  return { name, bytes, ...about, sha256 };
}

export { source as networkSource };

/** ResNet-50 as torchvision has it, He-initialised. */
export const freshResnet50 = (): Promise<NetworkSource> =>
  source(
    'a fresh ResNet-50',
    encodeOnnx(
      resnetGraph({
        widths: [64, 128, 256, 512],
        blocks: [3, 4, 6, 3],
        strides: [1, 2, 2, 2],
        stem: 64,
        stemKernel: 7,
        pool: true,
        side: 224,
        classes: names(1000),
        ...neutral,
      }),
    ),
    { side: 224, classes: 1000, spread: 1 },
  );

/** Every kind of its layers, tiny. */
export const tinyResnet = (): Promise<NetworkSource> =>
  source(
    'a tiny ResNet',
    encodeOnnx(
      resnetGraph({
        widths: [4, 4, 8, 8],
        blocks: [1, 1, 1, 1],
        strides: [1, 2, 2, 1],
        stem: 8,
        stemKernel: 7,
        pool: true,
        side: 32,
        classes: names(5),
        ...neutral,
      }),
    ),
    { side: 32, classes: 5, spread: 1 },
  );
