/** Transforms that move pixels. Amounts are in pixels of the picture that reaches them, angles in degrees. */
import { WgradError } from '../errors.ts';
import type { Random } from '../random.ts';
import { aboutMiddle, compose, identity, offset, type Affine, type Size } from './affine.ts';
import type { GeometricTransform } from './transform.ts';

function make(
  name: string,
  canvas: (size: Size) => Size,
  place: (random: Random, size: Size) => Affine,
): GeometricTransform {
  return { name, canvas, place };
}

const same = (size: Size): Size => size;

function check(name: string, ok: boolean, needed: string): void {
  if (!ok) throw new WgradError('invalid-argument', `${name}: ${needed} is needed`);
}

const isWhole = (v: number) => Number.isSafeInteger(v) && v >= 0;

/** A margin of `amount` pixels on each side; what shows in it is the border's business. */
export function pad(amount: number): GeometricTransform {
  check(`pad(${amount})`, isWhole(amount), 'a whole number of pixels');
  return make(`pad(${amount})`, ([h, w]) => [h + 2 * amount, w + 2 * amount], () => offset(-amount, -amount)); // prettier-ignore
}

/** Takes `amount` pixels off each side. */
export function crop(amount: number): GeometricTransform {
  check(`crop(${amount})`, isWhole(amount), 'a whole number of pixels');
  return make(`crop(${amount})`, ([h, w]) => [h - 2 * amount, w - 2 * amount], () => offset(amount, amount)); // prettier-ignore
}

/** Lucid's jitter: a crop at random that is `amount` pixels smaller both ways. */
export function jitter(amount: number): GeometricTransform {
  check(`jitter(${amount})`, isWhole(amount), 'a whole number of pixels');
  const canvas = ([h, w]: Size): Size => [h - amount, w - amount];
  return make(`jitter(${amount})`, canvas, (random) => offset(random.int(amount + 1), random.int(amount + 1)));
}

/** Enlarges about the middle by a factor that is uniform in [low, high]; the canvas stays. */
export function scale(low: number, high = low): GeometricTransform {
  const name = `scale(${low}, ${high})`;
  check(name, low > 0 && high >= low && Number.isFinite(high), 'a range of positive factors');
  return make(name, same, (random, size) => {
    const s = 1 / random.uniform(low, high);
    return aboutMiddle(s, 0, 0, s, size);
  });
}

/** Turns about the middle, counterclockwise, by an angle that is uniform in [-degrees, degrees], or [low, high]. */
export function rotate(degrees: number, high?: number): GeometricTransform {
  const [least, most] = high === undefined ? [-degrees, degrees] : [degrees, high];
  const name = `rotate(${least}, ${most})`;
  check(name, least <= most && Number.isFinite(most - least), 'a range of angles');
  return make(name, same, (random, size) => {
    const angle = (random.uniform(least, most) * Math.PI) / 180;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    return aboutMiddle(c, s, -s, c, size);
  });
}

/** Mirrors left and right with probability p. */
export function flip(p = 0.5): GeometricTransform {
  check(`flip(${p})`, p >= 0 && p <= 1, 'a probability');
  return make(`flip(${p})`, same, (random, size) =>
    random.uniform() < p ? aboutMiddle(1, 0, 0, -1, size) : identity,
  ); // prettier-ignore
}

/** Cuts or pads about the middle to a size, at whole pixels. */
export function fit([height, width]: Size): GeometricTransform {
  const name = `fit(${height}, ${width})`;
  check(name, isWhole(height) && isWhole(width), 'a size in whole pixels');
  const at = ([h, w]: Size) => offset(Math.floor((h - height) / 2), Math.floor((w - width) / 2));
  return make(name, () => [height, width], (_, size) => at(size)); // prettier-ignore
}

/** Options of {@link resizedCrop}. */
export interface ResizedCropOptions {
  /** Share of the picture's area, uniform; default [0.08, 1]. */
  area?: readonly [number, number];
  /** Width over height of what is cut out, its logarithm uniform; default [3/4, 4/3]. */
  ratio?: readonly [number, number];
}

/** torchvision's RandomResizedCrop: a part of random area and shape, resized to `size`. */
export function resizedCrop(size: Size, options: ResizedCropOptions = {}): GeometricTransform {
  const { area = [0.08, 1], ratio = [3 / 4, 4 / 3] } = options;
  const name = `resizedCrop(${[...size, ...area, ...ratio].join(', ')})`;
  check(name, size.every((d) => isWhole(d) && d > 0), 'a size in whole pixels'); // prettier-ignore
  check(name, area[0] > 0 && area[0] <= area[1] && area[1] <= 1, 'a range of shares of the area');
  check(name, ratio[0] > 0 && ratio[0] <= ratio[1], 'a range of ratios');
  const part = (random: Random, [h, w]: Size): Size => {
    for (let attempt = 0; attempt < 10; attempt++) {
      const target = h * w * random.uniform(...area);
      const aspect = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
      const [height, width] = [Math.sqrt(target / aspect), Math.sqrt(target * aspect)];
      if (height <= h && width <= w) return [height, width];
    }
    // As torchvision: as much as the ratio allows.
    const aspect = Math.min(Math.max(w / h, ratio[0]), ratio[1]);
    return w / h > aspect ? [h, h * aspect] : [w / aspect, w];
  };
  return make(name, () => size, (random, source) => {
    const [h, w] = part(random, source);
    const [top, left] = [random.uniform(0, source[0] - h), random.uniform(0, source[1] - w)];
    const [sy, sx] = [h / size[0], w / size[1]];
    // Half-pixel centres: output i covers [i, i + 1) of the part.
    return compose(offset(top - 0.5, left - 0.5), compose([sy, 0, 0, 0, sx, 0], offset(0.5, 0.5)));
  }); // prettier-ignore
}
