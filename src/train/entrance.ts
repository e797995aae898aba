/** Where pictures of a dataset come into a step: what the device is fed of them, and the picture that it makes of that. */
import { constant, input } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { channelTable } from '../image/preprocess.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';
import { fromBytes, wordsOf } from '../ops/from_bytes.ts';
import { preprocessOf } from '../model/image_space.ts';
import type { Model } from '../model/model.ts';
import type { Feeds } from '../plan/program.ts';
import { augmentationName, augmented, augments, type AugmentOptions, type Augmented } from './augment.ts';
import { hasRows, loadBatch, loadByteBatch, type Dataset } from './dataset.ts';
import { mixes, mixTargets } from './mix.ts';
import type { Targets } from './targets.ts';

/** What one run is fed: pictures or what the frozen part made of them, and targets. */
export interface MicroBatch {
  inputs: Feeds;
  targets: Targets;
}

export interface EntranceOptions extends AugmentOptions {
  /** Pictures of a run. */
  batch: number;
  /** Of what augmentation draws. */
  seed?: number | undefined;
  /** Of a dataset of bytes: how they are normalised. */
  bytes?: Pick<Preprocess, 'mean' | 'std'> | undefined;
  /** Whether targets are a row for each picture, rather than a class; they are where pictures are mixed. */
  soft?: boolean | undefined;
}

/** The entrance for pictures of a dataset. */
export const entranceFor = (model: Model, data: Dataset, o: Omit<EntranceOptions, 'soft'>): Entrance =>
  new Entrance(model, { ...o, soft: hasRows(data), bytes: data.bytes?.spec });

export class Entrance {
  readonly batch: number;
  /** [batch, C, H, W] as the network is given it. */
  readonly picture: Tensor;
  readonly soft: boolean;
  private readonly inputName: string;
  private readonly isBytes: boolean;
  private readonly augmented: Augmented | undefined;
  /** Of the augmentation; '' without. */
  private readonly name: string;

  constructor(
    private readonly model: Model,
    o: EntranceOptions,
  ) {
    this.batch = o.batch;
    this.inputName = o.bytes ? `${model.inputName} bytes` : model.inputName;
    this.isBytes = o.bytes !== undefined;
    const given = pictureInput(model, this.inputName, o);
    this.augmented = augments(o) ? augmented(given, preprocessOf(model), o, o.seed ?? 0) : undefined;
    this.picture = this.augmented?.y ?? given;
    this.soft = o.soft === true || mixes(o);
    this.name = this.augmented ? `${augmentationName(o)} ${o.seed ?? 0}` : '';
  }

  /**
   * Reads pictures; rows beyond them are the first one again, and count for nothing.
   * @param pass of augmentation: what is drawn depends on it.
   * @throws WgradError as {@link loadBatch} does.
   */
  async load(data: Dataset, indices: readonly number[], pass: number): Promise<MicroBatch> {
    const { model, batch, soft } = this;
    const { classes } = model;
    const { pictures, targets } = this.isBytes
      ? await loadByteBatch(model, data, indices, batch, soft).then(({ words, ...rest }) => ({
          pictures: words,
          ...rest,
        }))
      : await loadBatch(model, data, indices, batch, soft);
    const { feeds = {}, mixings } = this.augmented?.draw(indices, pass) ?? {};
    if (mixings) mixTargets(targets as Float32Array, classes, mixings);
    return { inputs: { [this.inputName]: pictures, ...feeds }, targets };
  }

  /** Of each row of a load, the numbers that were given for its picture. */
  rows(inputs: Feeds): (Float32Array | Int32Array)[] {
    const all = inputs[this.inputName] as Float32Array | Int32Array;
    const size = all.length / this.batch;
    return Array.from({ length: this.batch }, (_, k) => all.subarray(k * size, (k + 1) * size));
  }

  /** What augmentation draws for a picture depends on it, the seed and this. */
  drawName(index: number, pass: number): string {
    return this.name && `${this.name} ${pass} ${index}`;
  }
}

/** [batch, C, H, W] in the network's input space. */
function pictureInput(model: Model, name: string, { batch, bytes }: EntranceOptions): Tensor {
  const { pictureShape } = model;
  const [channels, h, w] = pictureShape;
  if (!bytes) return input(name, [batch, ...pictureShape]);
  const table = new Float32Array(256 * channels);
  for (let c = 0; c < channels; c++) table.set(channelTable(bytes, c), 256 * c);
  const words = input(name, [batch, wordsOf(h, w)], 'i32');
  return fromBytes(words, constant(table, [channels, 256]), [batch, ...pictureShape]);
}
