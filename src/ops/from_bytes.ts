/**
 * 8-bit RGB pictures as a network's input, on the device: a quarter of what floats take to bring there. The numbers come
 * out of a table of 256 for each channel that the host makes, so that they are `normalize`'s to the bit. No gradient:
 * bytes have none.
 */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import { packStruct } from '../gpu/kernel.ts';
import { fromBytes as kernel } from '../gpu/kernels.gen.ts';
import type { Op } from '../graph/op.ts';
import type { Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';

/** i32 words of one picture. */
export const wordsOf = (height: number, width: number): number => Math.ceil((3 * height * width) / 4);

const fromBytesOp: Op<{ shape: Shape }> = {
  name: 'from_bytes',
  infer: ([words, table], { shape }) => {
    const [n, c, h, w] = shape as [number, number, number, number];
    const fits = words!.dtype === 'i32' && words!.shape[0] === n && words!.size === n * wordsOf(h, w);
    if (!fits || table!.size !== 256 * c || (c !== 1 && c !== 3)) {
      throw new WgradError(
        'shape',
        `from_bytes: ${words} and the table ${table} make no pictures [${shape.join(',')}]`,
      );
    }
    return [{ shape, dtype: 'f32' }];
  },
  vjp: () => [null, null],
  lower(ctx, { inputs: [words, table], outputs: [y] }) {
    const [n, channels, h, w] = y!.shape as [number, number, number, number];
    const sizes = { count: y!.size, area: h * w, channels, words: words!.size / n };
    ctx.dispatch(kernel, {
      bindings: {
        words: ctx.read(words!, 'row'),
        table: ctx.read(table!, 'row'),
        y: ctx.write(y!),
        sizes: ctx.constant(packStruct(kernel, 'sizes', sizes)),
      },
      workgroups: grid(y!.size, 64),
    });
  },
};

/**
 * @param words i32 [N, wordsOf(H, W)]: the bytes of [H,W,3], little-endian, each picture filled up to a whole word
 * @param table f32 [C, 256] @param shape [N,C,H,W], C of 1 or 3
 */
export const fromBytes = (words: Tensor, table: Tensor, shape: Shape): Tensor =>
  apply1(fromBytesOp, [words, table], { shape });
