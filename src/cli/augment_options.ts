/** Options of `wgrad finetune` that say what becomes of the training pictures before the network sees them. */
import { WgradError } from '../errors.ts';
import { count, fraction, positive, share, type ResolvedOptions } from '../options.ts';
import type { FitOptions } from '../train/fit.ts';
import { colourJitter, erase, flip, resizedCrop, rotate, type Transform } from '../transforms/index.ts';
import { named, repeated, shownAs, type Named } from './kinds.ts';

const tables = {
  crop: { least: fraction(0.35, 'least share of the area') },
  flip: { p: fraction(0.5, 'probability') },
  rotate: { degrees: positive(15, 'largest angle') },
  colour: {
    brightness: fraction(0.2, 'factor within 1 +- it'),
    contrast: fraction(0.2, 'factor within 1 +- it'),
    saturation: fraction(0.2, 'factor within 1 +- it'),
    hue: share(0, 'largest turn, in turns'),
  },
  erase: { p: fraction(0.25, 'probability') },
};

type Names = keyof typeof tables;

/** What each makes of its options and the size of the pictures. */
const makers: { [N in Names]: (o: ResolvedOptions<(typeof tables)[N]>, size: readonly [number, number]) => Transform } =
  {
    crop: ({ least }, size) => {
      if (least === 0) throw new WgradError('usage', '--augment crop: least is 0; a share above it is needed');
      return resizedCrop(size, { area: [least, 1] });
    },
    flip: ({ p }) => flip(p),
    rotate: ({ degrees }) => rotate(degrees),
    colour: (o) => colourJitter(o),
    erase: ({ p }) => erase({ p, value: 0.5 }),
  };

export const augmentOptions = {
  augment: repeated(
    shownAs(
      'crop|flip|rotate|colour|erase[:OPTION=VALUE,...]',
      named<Names>(
        tables,
        undefined,
        'changes the training pictures at random, anew in every epoch; give it several times',
      ),
    ),
  ),
  views: count(
    undefined,
    'changes of each picture that are kept and come again, so that what is frozen runs so often only',
  ),
  mixup: shownAs('ALPHA', positive(undefined, 'blends pictures in pairs, and their targets')),
  cutmix: shownAs('ALPHA', positive(undefined, 'puts a part of another picture into each, and of its target')),
};

export interface AugmentChoice {
  augment: readonly Named<Names>[];
  views?: number | undefined;
  mixup?: number | undefined;
  cutmix?: number | undefined;
}

/** What `fit` takes of them. @param size height and width of the network's pictures. */
export function augmentFrom(o: AugmentChoice, size: readonly [number, number]): Partial<FitOptions> {
  const { views, mixup, cutmix } = o;
  const make = <N extends Names>({ name, options }: Named<N>): Transform => {
    const table = tables[name];
    const defaults = Object.fromEntries(Object.entries(table).map(([key, kind]) => [key, kind.default]));
    return makers[name]({ ...defaults, ...options } as never, size);
  };
  return {
    ...(o.augment.length > 0 && { augment: o.augment.map(make) }),
    ...(views !== undefined && { views }),
    ...(mixup !== undefined && { mixup }),
    ...(cutmix !== undefined && { cutmix }),
  };
}
