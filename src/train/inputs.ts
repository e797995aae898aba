/** The sources of a training's datasets, and what they keep. */
import type { Model } from '../model/model.ts';
import type { Dataset } from './dataset.ts';
import type { StartEvent } from './events.ts';
import { FeatureStore, type ByteStore } from './feature_store.ts';
import type { FrozenPart } from './frozen.ts';
import { FeatureSource, PictureSource, type Budget, type Source } from './source.ts';

export class Inputs {
  private readonly features: FeatureSource[] = [];
  private readonly budget: Budget;
  private readonly store: FeatureStore | undefined;
  private pictures = 0;

  constructor(
    private readonly model: Model,
    private readonly frozen: FrozenPart | undefined,
    private readonly cache: { memory: number; store?: ByteStore | undefined } | undefined,
    private readonly batch: number,
  ) {
    this.budget = { left: cache?.memory ?? 0 };
    this.store = cache?.store && new FeatureStore(model.engine, cache.store);
  }

  /** @param isSplit whether what is fed are the values at the frontier. */
  of(data: Dataset, isSplit: boolean, batch = this.batch): Source {
    if (!isSplit || !this.frozen) return new PictureSource(this.model, data, batch);
    // What varies is made each time.
    const budget = data.fixed ? this.budget : { left: 0 };
    const source = new FeatureSource(this.model, data, this.frozen, budget, this.store);
    this.features.push(source);
    this.pictures += data.fixed ? data.length : 0;
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
