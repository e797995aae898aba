/** How far training has moved a network, and whether its maps still lie where they should. */
import type { Attribution } from '../explain/index.ts';
import { channelReduce, maskScore } from '../explain/index.ts';

/** Parameters by name, row-major. */
export type State = ReadonlyMap<string, Float32Array>;

/** How far a parameter moved in training. */
export interface Moved {
  name: string;
  /** |after - before| / |before|, L2 norms; infinite where it was zero before. */
  relative: number;
}

/** L2 norms of before and of the difference, between two places. */
function norms(before: Float32Array, after: Float32Array, from = 0, to = before.length): [number, number] {
  let [was, moved] = [0, 0];
  for (let i = from; i < to; i++) {
    was += before[i]! ** 2;
    moved += (after[i]! - before[i]!) ** 2;
  }
  return [Math.sqrt(was), Math.sqrt(moved)];
}

const ratio = ([was, moved]: readonly [number, number]) => (moved === 0 ? 0 : moved / was);

/** Every layer that was trained, in the order of the parameters. @param layerOf the layer of a parameter. */
export function layersMoved(before: State, after: State, layerOf: (name: string) => string): Moved[] {
  const sums = new Map<string, [number, number]>();
  for (const [name, values] of before) {
    const [was, moved] = norms(values, after.get(name)!);
    const layer = layerOf(name);
    const sum = sums.get(layer) ?? [0, 0];
    sums.set(layer, [Math.hypot(sum[0], was), Math.hypot(sum[1], moved)]);
  }
  return [...sums].map(([name, both]) => ({ name, relative: ratio(both) }));
}

/** How far one unit's weights moved. */
export interface MovedUnit extends Moved {
  /** Index along the first axis of the weight. */
  unit: number;
}

/** The units of a weight [units, ...] that moved farthest, by relative change, the farthest first. */
export function unitsMoved(name: string, units: number, before: Float32Array, after: Float32Array): MovedUnit[] {
  const each = before.length / units;
  return Array.from({ length: units }, (_, unit) => ({
    name,
    unit,
    relative: ratio(norms(before, after, unit * each, (unit + 1) * each)),
  })) // prettier-ignore
    .sort((a, b) => b.relative - a.relative);
}

/** Where a map's positive attribution lies. */
export interface Place {
  /** Share of the positive attribution in the outermost tenth of the picture on each side; 0.36 for an even map. */
  border: number;
  /** Share of it on the object, where its mask is known. */
  object?: number;
}

/** The frame's width as a share of the picture's side. */
const FRAME = 0.1;

/**
 * Where a map lies: on the border, and on the object.
 * @param mask [H,W] of the picture, above one half on the object.
 */
export function placeOf(map: Attribution, mask?: ArrayLike<number>): Place {
  const values = map.upsampled ?? channelReduce(map, 'sum');
  const [, height, width] = map.upsampled ? sizeOf(map) : map.shape;
  let [border, total] = [0, 0];
  const [dx, dy] = [FRAME * width, FRAME * height];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const v = Math.max(0, values[y * width + x]!);
      total += v;
      if (x < dx || y < dy || x >= width - dx || y >= height - dy) border += v;
    }
  }
  const place: Place = { border: total > 0 ? border / total : 0 };
  if (mask && mask.length === values.length) place.object = maskScore(values, mask).share;
  return place;
}

/** An upsampled map has the picture's size, which is square unless the layer's map is not. */
function sizeOf({ upsampled, shape: [, h, w] }: Attribution): [number, number, number] {
  const height = Math.round(Math.sqrt((upsampled!.length * h) / w));
  return [1, height, upsampled!.length / height];
}

/** A change of a share that is worth a word. */
const MUCH = 0.1;

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const percent = (share: number) => `${Math.round(100 * share)} %`;

/**
 * What a reader should be warned of: maps that leave the object or gather at the border speak for a shortcut, something in
 * the pictures of a class that is not its object.
 */
export function shortcutWarnings(first: readonly Place[], last: readonly Place[]): string[] {
  if (first.length === 0 || last.length === 0) return [];
  const warnings: string[] = [];
  const onObject = (places: readonly Place[]) => places.flatMap(({ object }) => (object === undefined ? [] : [object]));
  const [was, is] = [onObject(first), onObject(last)];
  if (was.length > 0 && is.length > 0 && mean(is) < mean(was) - MUCH)
    warnings.push(`The maps move off the object: ${percent(mean(was))} of them lay on it before training, ${percent(mean(is))} after. The network may have learnt something else than the object.`); // prettier-ignore
  const [borderWas, borderIs] = [mean(first.map((p) => p.border)), mean(last.map((p) => p.border))];
  if (borderIs > borderWas + MUCH)
    warnings.push(`The maps move to the border: ${percent(borderWas)} of them lay there before training, ${percent(borderIs)} after. The frame of the pictures may give the class away.`); // prettier-ignore
  return warnings;
}
