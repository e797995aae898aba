/** The sources of a training's datasets, and what they keep. */
import type { Model } from '../model/model.ts';
import type { Dataset } from './dataset.ts';
import type { Entrance } from './entrance.ts';
import type { StartEvent } from './events.ts';
import { FeatureStore, type ByteStore } from './feature_store.ts';
import type { FrozenPart } from './frozen.ts';
import { FeatureSource, PictureSource, type Budget, type Source } from './source.ts';

export interface Kept {
  memory: number;
  store?: ByteStore | undefined;
  /** Of each picture that is augmented. */
  views?: number | undefined;
}

export class Inputs {
  private readonly features: FeatureSource[] = [];
  private readonly budget: Budget;
  private readonly store: FeatureStore | undefined;
  private pictures = 0;
  private frozen: FrozenPart | undefined;

  constructor(
    model: Model,
    private readonly cache: Kept | undefined,
  ) {
    this.budget = { left: cache?.memory ?? 0 };
    this.store = cache?.store && new FeatureStore(model.engine, cache.store);
  }

  /** @param frozen where what is fed are the values at its frontier. @param views that augmentation makes of a picture. */
  of(data: Dataset, entrance: Entrance, frozen: FrozenPart | undefined, views = 1): Source {
    if (!frozen) return new PictureSource(entrance, data);
    // What varies is made each time.
    const budget = data.fixed ? this.budget : { left: 0 };
    const source = new FeatureSource(entrance, data, frozen, budget, this.store, views);
    this.features.push(source);
    this.pictures += data.fixed ? views * data.length : 0;
    this.frozen ??= frozen;
    return source;
  }

  /** Pictures that the frozen part was run for. */
  get made(): number {
    return this.features.reduce((n, source) => n + source.made, 0);
  }

  /** For the first event, before anything is kept. */
  summary(): Pick<StartEvent, 'cache'> {
    const { frozen, pictures, cache } = this;
    if (!frozen || !cache) return {};
    const room = Math.min(pictures, Math.floor(cache.memory / frozen.bytes));
    return { cache: { values: frozen.names, bytes: frozen.bytes, pictures, room } };
  }
}
