/**
 * The pictures of a data set that excite a unit most, and where in them. Of each picture, the largest activation of each
 * unit and its place are found on the device; only these are read back. The place is a position of the layer's map; what
 * it sees of the picture is its receptive field.
 */
import { WgradError } from '../errors.ts';
import { input, scalar } from '../graph/leaves.ts';
import { show } from '../graph/shape.ts';
import type { Box } from '../image/image.ts';
import { checkPicture } from '../model/gate.ts';
import type { Model } from '../model/model.ts';
import { abortSignal, callback, count, custom, readOptions, required, name } from '../options.ts';
import { greater } from '../ops/binary.ts';
import { argmax } from '../ops/arg_reduce.ts';
import { gather } from '../ops/gather.ts';
import { max, mean } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { mapOf } from './objectives/units.ts';
import { receptiveField } from './receptive_field.ts';
import { sceneOf } from './scene.ts';

/** Options of {@link datasetExamples}. */
export interface ExampleOptions {
  layer: string;
  /** Default: all of the layer. */
  units?: readonly number[];
  /** Pictures kept for each unit; default 9. */
  top?: number;
  /** Pictures in one run; default 16. */
  batchSize?: number;
  signal?: AbortSignal;
  /** Called after each batch with pictures done and in all. */
  onProgress?: (done: number, total: number) => void;
}

const isUnits = (v: unknown) => Array.isArray(v) && v.length > 0 && v.every((u) => Number.isSafeInteger(u) && u >= 0);

const table = {
  layer: required(name('whose units')),
  units: custom<readonly number[]>('which units', 'a list of indices', isUnits),
  top: count(9, 'pictures for each unit'),
  batchSize: count(16, 'pictures in one run'),
  signal: abortSignal(),
  onProgress: callback<(done: number, total: number) => void>('called after each batch'),
};

/** A picture that excites a unit. */
export interface Example {
  /** Of the picture in the set. */
  index: number;
  /** The unit's activation at its place. */
  value: number;
  /** Row and column in the layer's map. */
  place: readonly [number, number];
  /** What that place sees of the network's input, pixels. */
  field: Box;
}

/** What the pictures of a set do to a unit. */
export interface UnitExamples {
  unit: number;
  /** The most exciting pictures first. */
  examples: readonly Example[];
  /** Mean share of positions at which the unit is positive. */
  active: number;
}

/** Pictures by index, in the network's units [C,H,W]; a training set is one. */
export interface PictureSet {
  readonly length: number;
  /** Picture `index`, in input space. */
  get(index: number): Promise<{ input: Float32Array }> | { input: Float32Array };
}

/**
 * @throws WgradError 'dataset-empty'; 'unknown-name' for a layer or a unit that is not there; 'shape' or 'not-finite' for a
 *   picture that is none; the signal's reason.
 */
export async function datasetExamples(
  model: Model,
  pictures: PictureSet,
  options: ExampleOptions,
): Promise<UnitExamples[]> {
  const o = readOptions('datasetExamples', table, { ...options });
  const { signal, top } = o;
  if (pictures.length === 0) throw new WgradError('dataset-empty', 'datasetExamples: there is no picture');
  const batch = Math.min(o.batchSize, pictures.length);
  const search = await compileSearch(model, o.layer, o.units, batch, signal);
  const found = search.units.map((unit) => ({ unit, examples: [] as Example[], active: 0 }));
  try {
    for (let at = 0; at < pictures.length; at += batch) {
      signal?.throwIfAborted();
      const indices = Array.from({ length: Math.min(batch, pictures.length - at) }, (_, i) => at + i);
      const inputs = await Promise.all(indices.map(async (i) => (await pictures.get(i)).input));
      inputs.forEach((p, i) => checkPicture(p, model.pictureShape, `picture ${at + i}`));
      const rows = await search.run(inputs, signal);
      found.forEach((unit, u) => {
        for (const [i, index] of indices.entries()) {
          const { value, place, share } = rows[i]![u]!;
          unit.examples.push({ index, value, place, field: search.fieldOf(place) });
          unit.active += share / pictures.length;
        }
        unit.examples.sort((a, b) => b.value - a.value || a.index - b.index);
        unit.examples.length = Math.min(unit.examples.length, top);
      });
      o.onProgress?.(at + indices.length, pictures.length);
    }
    return found;
  } finally {
    search.dispose();
  }
}

interface Seen {
  value: number;
  place: readonly [number, number];
  share: number;
}

interface Search {
  readonly units: readonly number[];
  /** Of each picture each unit. @param pictures as many as a batch, or fewer. */
  run(pictures: readonly Float32Array[], signal: AbortSignal | undefined): Promise<Seen[][]>;
  fieldOf(place: readonly [number, number]): Box;
  dispose(): void;
}

async function compileSearch(
  model: Model,
  layer: string,
  given: readonly number[] | undefined,
  batch: number,
  signal: AbortSignal | undefined,
): Promise<Search> {
  model.network.resolve(layer);
  const picture = input('pictures', [batch, ...model.pictureShape]);
  const map = mapOf(sceneOf(model, model.graph({ input: picture }), { pixels: picture, input: picture }), layer);
  const [, k, h, w] = map.shape as [number, number, number, number];
  const units = given ?? Array.from({ length: k }, (_, i) => i);
  const missing = units.find((u) => u >= k);
  if (missing !== undefined) {
    throw new WgradError('unknown-name', `${layer} has no unit ${missing}: its shape is ${show(map.shape)}`, {
      remedy: `Give one from 0 to ${k - 1}`,
    });
  }
  const flat = reshape(given ? gather(map, units, 1) : map, [batch, units.length, h * w]);
  const outputs = { value: max(flat, [2]), place: argmax(flat, 2), share: mean(greater(flat, scalar(0)), [2]) };
  const program = await model.engine.compile({ outputs }, { signal });
  const fields = new Map<string, Box>();
  return {
    units,
    async run(pictures, signal) {
      const size = picture.size / batch;
      const values = new Float32Array(picture.size);
      pictures.forEach((p, i) => values.set(p, i * size));
      const { value, place, share } = await program.run({ pictures: values }, { signal });
      const seen = (at: number): Seen => ({
        value: value[at]!,
        place: [Math.floor(place[at]! / w), place[at]! % w],
        share: share[at]!,
      });
      return pictures.map((_, i) => units.map((_, u) => seen(i * units.length + u)));
    },
    fieldOf(place) {
      const known = fields.get(place.join()) ?? receptiveField(map, picture, place);
      fields.set(place.join(), known);
      return known;
    },
    dispose: () => program.dispose(),
  };
}
