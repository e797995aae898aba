/** Where a step's inputs come from: pictures, or what the frozen part made of them and was kept. */
import type { Dataset } from './dataset.ts';
import type { Entrance, MicroBatch } from './entrance.ts';
import type { FeatureStore } from './feature_store.ts';
import type { FrozenPart } from './frozen.ts';
import { noTargets, type Targets } from './targets.ts';

export interface LoadOptions {
  /** Of augmentation: what is drawn depends on it; default 0. */
  pass?: number;
  /** What will be asked for next: may be made along with what is. */
  upcoming?: readonly number[];
}

export interface Source {
  /** The inputs of runs of `batch` pictures each, the last one padded with pictures that count for nothing. */
  load(indices: readonly number[], options?: LoadOptions): Promise<MicroBatch[]>;
}

const chunks = (indices: readonly number[], size: number): number[][] =>
  Array.from({ length: Math.ceil(indices.length / size) }, (_, k) => indices.slice(k * size, (k + 1) * size));

/** Reads the pictures each time. */
export class PictureSource implements Source {
  constructor(
    private readonly entrance: Entrance,
    private readonly data: Dataset,
  ) {}

  load(indices: readonly number[], { pass = 0 }: LoadOptions = {}): Promise<MicroBatch[]> {
    const { entrance, data } = this;
    return Promise.all(chunks(indices, entrance.batch).map((chunk) => entrance.load(data, chunk, pass)));
  }
}

/** Bytes that features of several datasets share. */
export interface Budget {
  left: number;
}

interface Row {
  /** At each value of the frontier. */
  values: Float32Array[];
  target: Targets;
}

/**
 * Runs the frozen part once for each picture, or each of its views, and keeps what it gives, as long as there is room; the
 * others are made again each time, in whole batches. A run has always `batch` pictures, as the step has: kernels sum in
 * an order that depends on it, and so the bits are those of a step that computes all of it.
 */
export class FeatureSource implements Source {
  /** Pictures that the frozen part was run for, in all. */
  made = 0;
  private readonly kept = new Map<number, Row>();
  /** Made before their turn. */
  private readonly ahead = new Map<number, Row>();

  /** @param views that are told apart: a pass beyond sees the first one again. */
  constructor(
    private readonly entrance: Entrance,
    private readonly data: Dataset,
    private readonly part: FrozenPart,
    private readonly budget: Budget,
    private readonly store?: FeatureStore,
    private readonly views = 1,
  ) {}

  async load(indices: readonly number[], { pass = 0, upcoming = [] }: LoadOptions = {}): Promise<MicroBatch[]> {
    const view = pass % this.views;
    const key = (i: number) => view * this.data.length + i;
    const has = (i: number) => this.kept.has(key(i)) || this.ahead.has(key(i));
    const missing = indices.filter((i) => !has(i));
    const { batch } = this.part;
    const spare = Math.ceil(missing.length / batch) * batch - missing.length;
    const early = upcoming.filter((i) => !has(i) && !indices.includes(i)).slice(0, spare);
    for (const chunk of chunks([...missing, ...early], batch)) await this.make(chunk, view, key);
    const micros = chunks(indices, batch).map((chunk) => this.together(chunk.map(key)));
    for (const i of indices) this.ahead.delete(key(i));
    return micros;
  }

  private async make(chunk: readonly number[], view: number, keyOf: (index: number) => number): Promise<void> {
    const { entrance, data, part, store } = this;
    const { inputs, targets } = await entrance.load(data, chunk, view);
    const names = store && chunk.map((i) => entrance.drawName(i, view));
    const keys = names && (await store.keys(part, entrance.rows(inputs), names));
    const known = keys && (await Promise.all(keys.map((key) => store!.read(key, part.sizes))));
    let rows: (Float32Array[] | undefined)[] = known ?? chunk.map(() => undefined);
    if (rows.some((row) => !row)) {
      const out = await part.run(inputs);
      const cut = (k: number) => out.map((v, i) => v.slice(k * part.sizes[i]!, (k + 1) * part.sizes[i]!));
      rows = rows.map((row, k) => row ?? cut(k));
      this.made += chunk.length;
      if (keys) await Promise.all(keys.map((key, k) => known![k] ?? store!.write(key, rows[k]!)));
    }
    const width = targets.length / part.batch;
    for (const [k, index] of chunk.entries()) {
      this.keep(keyOf(index), { values: rows[k]!, target: targets.slice(k * width, (k + 1) * width) });
    }
  }

  private keep(key: number, row: Row): void {
    const fits = this.part.bytes <= this.budget.left;
    if (fits) this.budget.left -= this.part.bytes;
    (fits ? this.kept : this.ahead).set(key, row);
  }

  private together(keys: readonly number[]): MicroBatch {
    const { batch, sizes } = this.part;
    const rows = keys.map((i) => (this.kept.get(i) ?? this.ahead.get(i))!);
    const width = rows[0]!.target.length;
    const targets = noTargets(batch, width, this.entrance.soft);
    const values = sizes.map((size) => new Float32Array(batch * size));
    for (let k = 0; k < batch; k++) {
      const row = rows[k] ?? rows[0]!;
      row.values.forEach((v, i) => values[i]!.set(v, k * sizes[i]!));
      if (k < rows.length) targets.set(row.target, k * width);
    }
    return { inputs: this.part.feeds(values), targets };
  }
}
