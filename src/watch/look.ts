/** Pinned pictures and chosen units, drawn again and again while a network is trained. */
import { ascend, channel, logit } from '../ascent/index.ts';
import { WgradError } from '../errors.ts';
import {
  createExplainer,
  drawMap,
  type Attribution,
  type Explainer,
  type MethodName,
  type MethodOptions,
} from '../explain/index.ts';
import type { Image, RgbaImage } from '../image/image.ts';
import { imageOf } from '../model/image_space.ts';
import type { Model } from '../model/model.ts';
import { placeOf, type Place } from './drift.ts';

/** A picture whose explanation is watched. */
export interface WatchedPicture {
  /** [C,H,W] in input space. */
  input: Float32Array;
  /** Its class: what is explained. */
  label: number;
  name: string;
  /** [H,W], above one half on the object: the maps are then compared with it. */
  mask?: ArrayLike<number>;
}

/** What is watched while a model trains. */
export interface WatchOptions {
  pictures: readonly WatchedPicture[];
  /** Default ['grad-cam']. */
  methods?: readonly MethodName[];
  /** Drawn by ascent: `layer4:7`, or `class:2`. Default none. */
  units?: readonly string[];
  /** Steps of a drawing. Default 64. */
  unitSteps?: number;
  /** Epochs from one look to the next; the first and the last are always looked at. Default 1. */
  every?: number;
}

/** A map of a watched picture. */
export interface WatchedMap {
  picture: WatchedPicture;
  method: MethodName;
  map: Attribution;
  image: RgbaImage;
  place: Place;
}

/** What a watched unit draws. */
export interface WatchedUnit {
  unit: string;
  objective: number;
  image: Image;
}

/** The watched maps and drawings after one epoch. */
export interface Look {
  /** 0 is before training. */
  epoch: number;
  maps: WatchedMap[];
  units: WatchedUnit[];
}

/** @throws WgradError 'invalid-argument' for text that names no unit */
export function unitObjective(text: string) {
  const [, layer, index] = /^(.+):(\d+)$/.exec(text.trim()) ?? [];
  if (layer === undefined) throw new WgradError('invalid-argument', `'${text}' names no unit`, { remedy: 'Write LAYER:INDEX or class:INDEX' }); // prettier-ignore
  return layer === 'class' ? logit(Number(index)) : channel(layer, Number(index));
}

/** Several units in one program, a picture each. */
export async function drawUnits(
  model: Model,
  units: readonly string[],
  steps: number,
  signal?: AbortSignal,
): Promise<WatchedUnit[]> {
  if (units.length === 0) return [];
  const objective = units.map(unitObjective);
  const drawn: WatchedUnit[] = [];
  for await (const frame of ascend(model, {
    objective,
    steps,
    every: Math.max(1, steps),
    seed: 1,
    ...(signal && { signal }),
  })) {
    if (frame.step < steps) continue;
    for (const [i, unit] of units.entries())
      drawn.push({ unit, objective: frame.objectives[i]!, image: imageOf(model, await frame.image(i)) });
  }
  return drawn;
}

/** Compiles the methods once; the parameters are those at the time of a look. */
export class Looker {
  private constructor(
    private readonly model: Model,
    private readonly options: WatchOptions,
    private readonly explainers: readonly Explainer[],
  ) {}

  /** @throws what `createExplainer` throws; WgradError 'invalid-argument' for units that are none */
  static async create(model: Model, options: WatchOptions, signal?: AbortSignal): Promise<Looker> {
    for (const unit of options.units ?? []) unitObjective(unit);
    const explainers: Explainer[] = [];
    try {
      for (const method of options.methods ?? (['grad-cam'] as const))
        explainers.push(await createExplainer(model, { method } as MethodOptions, { signal }));
    } catch (error) {
      for (const explainer of explainers) explainer.dispose();
      throw error;
    }
    return new Looker(model, options, explainers);
  }

  /** The maps and drawings of now. */
  async look(epoch: number, signal?: AbortSignal): Promise<Look> {
    const { pictures, units = [], unitSteps = 64 } = this.options;
    const maps: WatchedMap[] = [];
    for (const picture of pictures) {
      const image = imageOf(this.model, picture.input);
      for (const explainer of this.explainers) {
        const map = await explainer.run(picture.input, { target: picture.label, signal });
        const place = placeOf(map, picture.mask);
        maps.push({ picture, method: explainer.name, map, image: drawMap(image, map).picture, place });
      }
    }
    return { epoch, maps, units: await drawUnits(this.model, units, unitSteps, signal) };
  }

  /** Frees its programs. */
  dispose(): void {
    for (const explainer of this.explainers) explainer.dispose();
  }
}
