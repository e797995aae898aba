/**
 * Transforms of a batch of pictures on the device: graph code once, a few numbers drawn on the host for each run, so that
 * nothing is compiled anew. Each picture has numbers of its own. Neighbouring geometric transforms are multiplied into
 * one map and sampled once: bilinear, pixel centres at whole numbers, no antialiasing, outside the picture a constant or
 * its edge. All are differentiable in the picture.
 */
import { WgradError } from '../errors.ts';
import { input } from '../graph/leaves.ts';
import { requireRank } from '../ops/check.ts';
import { PLACE, warp, type WarpOptions } from '../ops/warp.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Feeds } from '../plan/program.ts';
import type { Random } from '../random.ts';
import { compose, identity, place, type Affine, type Size } from './affine.ts';

/** Moves pixels. */
export interface GeometricTransform {
  readonly name: string;
  /** Size of the result. @throws WgradError 'shape' where the picture is too small. */
  canvas(size: Size): Size;
  /** One draw: where a pixel of the result lies in a source of that size. */
  place(random: Random, size: Size): Affine;
}

/** Changes values. */
export interface ValueTransform {
  readonly name: string;
  /**
   * The graph from pictures to pictures; its numbers of a run are inputs.
   * @param id begins the names of its inputs.
   */
  build(x: Tensor, id: string): Transformed;
}

/** A random, differentiable transform of pictures: of places, or of values. */
export type Transform = GeometricTransform | ValueTransform;

/** The transformed pictures, and what draws their random numbers. */
export interface Transformed {
  y: Tensor;
  /** The numbers of one run, in an order that the random generator determines; or from a generator for each picture. */
  draw(random: Source): Record<string, Feeds[string]>;
}

/**
 * Where numbers are drawn from: one generator, the pictures one after the other; or each picture's own, so that its draw
 * does not depend on those that it shares a batch with.
 */
export type Source = Random | readonly Random[];

/** The generator of picture `i`. */
export const sourceOf = (from: Source, i: number): Random => ('bits' in from ? from : from[i]!);

/** Options of {@link transformed}. */
export interface TransformOptions extends WarpOptions {
  /** Begins the names of the inputs; default 'transform'. */
  id?: string;
}

const isGeometric = (t: Transform): t is GeometricTransform => 'place' in t;

/**
 * The pictures after all transforms, in one resampling; every picture has draws of its own.
 * @param x [N,C,H,W]
 * @param options what lies outside the picture: default 'fill' with 0.
 * @throws WgradError 'shape' where a crop leaves nothing.
 */
export function transformed(x: Tensor, transforms: readonly Transform[], options: TransformOptions = {}): Transformed {
  requireRank('transforms', x, 4, '[N,C,H,W]');
  const { id = 'transform', ...outside } = options;
  const parts: Transformed[] = [];
  let y = x;
  for (let i = 0; i < transforms.length;) {
    const first = transforms[i]!;
    let part: Transformed;
    if (isGeometric(first)) {
      const end = transforms.findIndex((t, k) => k > i && !isGeometric(t));
      const run = transforms.slice(i, end < 0 ? undefined : end) as GeometricTransform[];
      part = sampled(y, run, `${id}.${i}`, outside);
      i += run.length;
    } else {
      part = first.build(y, `${id}.${i}`);
      i += 1;
    }
    parts.push(part);
    y = part.y;
  }
  return { y, draw: (random) => Object.assign({}, ...parts.map((part) => part.draw(random))) as Record<string, Feeds[string]> }; // prettier-ignore
}

function sampled(x: Tensor, run: readonly GeometricTransform[], name: string, outside: WarpOptions): Transformed {
  const [n, , h, w] = x.shape as [number, number, number, number];
  const sizes: Size[] = [[h, w]];
  for (const transform of run) {
    const size = transform.canvas(sizes.at(-1)!);
    if (!size.every((d) => Number.isSafeInteger(d) && d >= 1)) {
      throw new WgradError('shape', `${transform.name} leaves nothing of a picture of ${sizes.at(-1)!.join(' x ')}`, {
        remedy: 'Take larger pictures, or smaller amounts',
      });
    }
    sizes.push(size);
  }
  const places = input(name, [n, PLACE]);
  const one = (random: Random): number[] =>
    place(
      run.reduce((map, t, i) => compose(map, t.place(random, sizes[i]!)), identity),
      [h, w],
    );
  return {
    y: warp(x, places, sizes.at(-1)!, outside),
    draw: (from) => ({ [name]: Float32Array.from(Array.from({ length: n }, (_, i) => one(sourceOf(from, i))).flat()) }),
  };
}
