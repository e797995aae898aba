/**
 * Two pictures of a batch made one, and their targets with them:
 *
 *   mixup    y = s x + (1 - s) x',  s from Beta(alpha, alpha)       Zhang et al. 2018, arXiv:1710.09412
 *   CutMix   y = x' in a box of the share 1 - s of the area, else x  Yun et al. 2019, arXiv:1905.04899
 *   target   s t + (1 - s) t',  s of CutMix being the share that its box leaves
 *
 * x' is the next picture of the batch (torchvision's roll by one), the first one after the last. s and box are drawn for
 * each picture. With both, each picture has either by the toss of a coin.
 */
import { input } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, mul } from '../ops/binary.ts';
import { gather } from '../ops/gather.ts';
import { affine } from '../ops/unary.ts';
import { where } from '../ops/where.ts';
import type { Feeds } from '../plan/program.ts';
import type { Random } from '../random.ts';
import { edgesOf, inBoxes, NO_BOX, type Box } from '../transforms/box.ts';

export interface MixOptions {
  /** alpha of mixup; undefined: none. */
  mixup?: number | undefined;
  /** alpha of CutMix; undefined: none. */
  cutmix?: number | undefined;
}

/** How one picture is mixed. */
export interface Mixing {
  /** Of the picture itself: s. */
  share: number;
  box: Box;
}

export const mixes = ({ mixup, cutmix }: MixOptions): boolean => mixup !== undefined || cutmix !== undefined;

/** @param size height and width of the picture. */
export function drawMixing(random: Random, { mixup, cutmix }: MixOptions, [h, w]: readonly [number, number]): Mixing {
  const isCut = cutmix !== undefined && (mixup === undefined || random.uniform() < 0.5);
  const s = random.beta(isCut ? cutmix : mixup!);
  if (!isCut) return { share: s, box: NO_BOX };
  const [height, width] = [h, w].map((side) => Math.trunc(side * Math.sqrt(1 - s))) as [number, number];
  const [y, x] = [random.int(h), random.int(w)];
  const span = (middle: number, length: number, side: number) => [
    Math.max(0, middle - (length >> 1)),
    Math.min(side, middle - (length >> 1) + length) - 1,
  ];
  const [[top, bottom], [left, right]] = [span(y, height, h), span(x, width, w)] as [
    [number, number],
    [number, number],
  ];
  const area = Math.max(0, bottom - top + 1) * Math.max(0, right - left + 1);
  return area === 0 ? { share: 1, box: NO_BOX } : { share: 1 - area / (h * w), box: [top, bottom, left, right] };
}

/** @param x [N,C,H,W] */
export function mixed(x: Tensor): { y: Tensor; feeds(mixings: readonly Mixing[]): Feeds } {
  const [n, , h, w] = x.shape as [number, number, number, number];
  const other = gather(x, input('mix.partner', [n], 'i32'), 0);
  const share = input('mix.share', [n, 1, 1, 1]);
  // A share of 1 leaves x to the bit.
  const blend = add(mul(share, x), mul(affine(share, -1, 1), other));
  return {
    y: where(inBoxes(input('mix.box', [4, n]), h, w), other, blend),
    feeds(mixings) {
      const at = (i: number) => mixings[i] ?? { share: 1, box: NO_BOX };
      const each = <T>(f: (i: number) => T) => Array.from({ length: n }, (_, i) => f(i));
      return {
        'mix.partner': Int32Array.from(each((i) => partnerOf(i, mixings.length))),
        'mix.share': Float32Array.from(each((i) => (at(i).box === NO_BOX ? at(i).share : 1))),
        'mix.box': edgesOf(each((i) => at(i).box)),
      };
    },
  };
}

/** The next one of `count` pictures; rows that fill the batch up are their own. */
const partnerOf = (i: number, count: number): number => (i < count ? (i + 1) % count : i);

/** Mixes the first rows of targets [N, classes] as their pictures are. */
export function mixTargets(targets: Float32Array, classes: number, mixings: readonly Mixing[]): void {
  const given = targets.slice();
  for (const [i, { share }] of mixings.entries()) {
    const other = partnerOf(i, mixings.length);
    for (let c = 0; c < classes; c++)
      targets[i * classes + c] = share * given[i * classes + c]! + (1 - share) * given[other * classes + c]!;
  }
}
