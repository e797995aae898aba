/** Where a step's inputs come from: pictures, or what the frozen part made of them and was kept. */
import type { Model } from '../model/model.ts';
import { loadBatch, type Dataset } from './dataset.ts';
import type { FeatureStore } from './feature_store.ts';
import type { FrozenPart } from './frozen.ts';
import type { MicroBatch } from './step.ts';

export interface Source {
  /**
   * The inputs of runs of `batch` pictures each, the last one padded with pictures that count for nothing.
   * @param upcoming what will be asked for next: may be made along with them.
   */
  load(indices: readonly number[], upcoming?: readonly number[]): Promise<MicroBatch[]>;
}

const chunks = (indices: readonly number[], size: number): number[][] =>
  Array.from({ length: Math.ceil(indices.length / size) }, (_, k) => indices.slice(k * size, (k + 1) * size));

/** Reads the pictures each time. */
export class PictureSource implements Source {
  constructor(
    private readonly model: Model,
    private readonly data: Dataset,
    private readonly batch: number,
  ) {}

  load(indices: readonly number[]): Promise<MicroBatch[]> {
    const load = async (chunk: readonly number[]) => {
      const { pictures, targets } = await loadBatch(this.model, this.data, chunk, this.batch);
      return { inputs: { [this.model.inputName]: pictures }, targets };
    };
    return Promise.all(chunks(indices, this.batch).map(load));
  }
}

/** Bytes that features of several datasets share. */
export interface Budget {
  left: number;
}

interface Row {
  /** At each value of the frontier. */
  values: Float32Array[];
  label: number;
}

/**
 * Runs the frozen part once for each picture and keeps what it gives, as long as there is room; the others are made
 * again each time, in whole batches. A run has always `batch` pictures, as the step has: kernels sum in an order that
 * depends on it, and so the bits are those of a step that computes all of it.
 */
export class FeatureSource implements Source {
  /** Pictures that the frozen part was run for, in all. */
  made = 0;
  private readonly kept = new Map<number, Row>();
  /** Made before their turn. */
  private readonly ahead = new Map<number, Row>();

  constructor(
    private readonly model: Model,
    private readonly data: Dataset,
    private readonly part: FrozenPart,
    private readonly budget: Budget,
    private readonly store?: FeatureStore,
  ) {}

  async load(indices: readonly number[], upcoming: readonly number[] = []): Promise<MicroBatch[]> {
    const has = (i: number) => this.kept.has(i) || this.ahead.has(i);
    const missing = indices.filter((i) => !has(i));
    const { batch } = this.part;
    const spare = Math.ceil(missing.length / batch) * batch - missing.length;
    const early = upcoming.filter((i) => !has(i) && !indices.includes(i)).slice(0, spare);
    for (const chunk of chunks([...missing, ...early], batch)) await this.make(chunk);
    const micros = chunks(indices, batch).map((chunk) => this.together(chunk));
    for (const i of indices) this.ahead.delete(i);
    return micros;
  }

  private async make(chunk: readonly number[]): Promise<void> {
    const { model, data, part, store } = this;
    const { pictures, targets } = await loadBatch(model, data, chunk, part.batch);
    const size = pictures.length / part.batch;
    const keys = store && (await store.keys(part, pictures, size, chunk.length));
    const known = keys && (await Promise.all(keys.map((key) => store!.read(key, part.sizes))));
    let rows: (Float32Array[] | undefined)[] = known ?? chunk.map(() => undefined);
    if (rows.some((row) => !row)) {
      const out = await part.run(pictures);
      const cut = (k: number) => out.map((v, i) => v.slice(k * part.sizes[i]!, (k + 1) * part.sizes[i]!));
      rows = rows.map((row, k) => row ?? cut(k));
      this.made += chunk.length;
      if (keys) await Promise.all(keys.map((key, k) => known![k] ?? store!.write(key, rows[k]!)));
    }
    chunk.forEach((index, k) => this.keep(index, { values: rows[k]!, label: targets[k]! }));
  }

  private keep(index: number, row: Row): void {
    const fits = this.part.bytes <= this.budget.left;
    if (fits) this.budget.left -= this.part.bytes;
    (fits ? this.kept : this.ahead).set(index, row);
  }

  private together(chunk: readonly number[]): MicroBatch {
    const { batch, sizes } = this.part;
    const rows = chunk.map((i) => (this.kept.get(i) ?? this.ahead.get(i))!);
    const targets = new Int32Array(batch).fill(-100);
    const values = sizes.map((size) => new Float32Array(batch * size));
    for (let k = 0; k < batch; k++) {
      const row = rows[k] ?? rows[0]!;
      row.values.forEach((v, i) => values[i]!.set(v, k * sizes[i]!));
      if (k < rows.length) targets[k] = row.label;
    }
    return { inputs: this.part.feeds(values), targets };
  }
}
