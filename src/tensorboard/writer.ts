/**
 * TensorBoard event files, with the calls of PyTorch's SummaryWriter. What is added waits in memory until flush(), or
 * until enough has come together; an error of the disk rejects the next flush() or close(), and what was not written is kept for the one after.
 */
import { WgradError } from '../errors.ts';
import { encodePng } from '../image/png.ts';
import { grid, toImage, type Picture } from './grid.ts';
import { histogram, type HistogramOptions } from './histogram.ts';
import * as messages from './messages.ts';
import type { GraphNode, Hyperparameter } from './messages.ts';
import { prCurve, type PrCurveOptions } from './pr_curve.ts';
import { embedding, type EmbeddingOptions } from './projector.ts';
import { record } from './record.ts';
import type { LogSink } from './sink.ts';
import type { Field } from './wire.ts';

/** Options of {@link SummaryWriter}. */
export interface SummaryWriterOptions {
  /** Folder of the run inside the sink; '' for the sink's own. TensorBoard lists one run a folder. Default ''. */
  run?: string;
  /** Part of the file's name. Default 'wgrad'. */
  host?: string;
  /** Seconds since 1970. Default: the clock. */
  now?: () => number;
}

/** Bytes in memory after which a flush begins by itself. */
const FLUSH_BYTES = 1 << 20;
/** Pictures a row in a sheet. */
const SHEET_COLUMNS = 8;

const encoder = new TextEncoder();

/** Writes event files that stock TensorBoard opens; its methods are those of PyTorch's SummaryWriter. */
export class SummaryWriter {
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;
  private readonly waiting: { path: string; bytes: Uint8Array }[] = [];
  private tail: Promise<void> = Promise.resolve();
  private failure: unknown;
  private closed = false;
  private readonly children = new Map<string, SummaryWriter>();
  private readonly folder: string;
  /** Inside the folder. */
  private readonly file: string;
  private readonly now: () => number;

  /** The file begins with the first flush. */
  constructor(
    private readonly sink: LogSink,
    private readonly options: SummaryWriterOptions = {},
  ) {
    const { host = 'wgrad', run = '', now = () => Date.now() / 1000 } = options;
    this.now = now;
    if (run.split('/').includes('..') || run.startsWith('/'))
      throw new WgradError('invalid-argument', `a run of '${run}', which leaves the log's folder`);
    this.folder = run === '' ? '' : `${run.replace(/\/+$/, '')}/`;
    const unique = crypto.randomUUID().slice(0, 8);
    this.file = `events.out.tfevents.${String(Math.floor(now())).padStart(10, '0')}.${host}.${unique}`;
    this.put(messages.fileVersion(now()));
  }

  /** NaN and infinity are drawn as such. */
  addScalar(tag: string, value: number, step: number): void {
    this.add(step, messages.scalar(named(tag), value));
  }

  /** Several curves in one chart: each becomes a run of its own, RUN/TAG_NAME. */
  addScalars(tag: string, values: Readonly<Record<string, number>>, step: number): void {
    for (const [name, value] of Object.entries(values))
      this.child(`${tag.replaceAll('/', '_')}_${name}`).addScalar(tag, value, step);
  }

  /** How values are distributed. @throws 'not-finite', 'invalid-argument' */
  addHistogram(tag: string, values: ArrayLike<number>, step: number, options: HistogramOptions = {}): void {
    this.add(step, messages.histo(named(tag), histogram(values, options)));
  }

  /**
   * Markdown under TEXT.
   * @param markdown drawn by TensorBoard as such.
   */
  addText(tag: string, markdown: string, step: number): void {
    this.add(step, messages.textSummary(named(tag), markdown));
  }

  /** Labels are 0 or 1, predictions probabilities, one a sample. */
  addPrCurve(
    tag: string,
    labels: ArrayLike<number | boolean>,
    predictions: ArrayLike<number>,
    step: number,
    options: PrCurveOptions = {},
  ): void {
    const { thresholds, rows } = prCurve(labels, predictions, options);
    this.add(step, messages.curve(named(tag), thresholds, rows));
  }

  /** A picture under IMAGES. */
  async addImage(tag: string, picture: Picture, step: number): Promise<void> {
    const time = this.now();
    const image = toImage(picture);
    const { width, height } = image;
    const alpha = image.data.length === 4 * width * height;
    this.add(step, messages.image(named(tag), width, height, alpha, await encodePng(image)), time);
  }

  /** As one sheet of up to eight a row; all of one size. */
  async addImages(tag: string, pictures: readonly Picture[], step: number): Promise<void> {
    await this.addImage(tag, grid(pictures, SHEET_COLUMNS), step);
  }

  /** One line of the HPARAMS page: a run of its own in the folder `run`, with the metrics as scalars. */
  addHparams(
    hyperparameters: Readonly<Record<string, Hyperparameter>>,
    metrics: Readonly<Record<string, number>>,
    { run = `hparams_${Math.floor(this.now() * 1000)}`, step = 0 }: { run?: string; step?: number } = {},
  ): void {
    const child = this.child(run);
    child.add(step, messages.experiment(hyperparameters, Object.keys(metrics)));
    child.add(step, messages.sessionStart(hyperparameters));
    child.add(step, messages.sessionEnd());
    for (const [tag, value] of Object.entries(metrics)) child.addScalar(tag, value, step);
  }

  /** The network under GRAPHS. @throws 'invalid-argument' where an input is no node of the list, or two nodes share a name */
  addGraph(nodes: readonly GraphNode[]): void {
    const names = new Set(nodes.map(({ name }) => name));
    if (names.size !== nodes.length) throw new WgradError('invalid-argument', 'a graph: two nodes of one name');
    for (const { name, inputs } of nodes)
      for (const input of inputs)
        if (!names.has(input)) throw new WgradError('invalid-argument', `a graph: node '${name}' reads '${input}', which is no node of it`); // prettier-ignore
    this.add(0, messages.graphDef(nodes), this.now(), true);
  }

  /** Points [n, width] for the PROJECTOR page. */
  async addEmbedding(points: readonly ArrayLike<number>[], options: EmbeddingOptions = {}): Promise<void> {
    const { files, config } = await embedding(points, options);
    this.open();
    for (const [path, bytes] of files) this.append(path, bytes);
    this.append('projector_config.pbtxt', encoder.encode(config));
    await this.flush();
  }

  /** When it resolves, all that was added before is in the file. @throws what the sink throws: 'disk-full', 'file-write' */
  async flush(): Promise<void> {
    this.drain();
    this.tail = this.tail.then(() => this.write()).catch((error: unknown) => void (this.failure ??= error));
    await Promise.all([this.tail, ...[...this.children.values()].map((child) => child.flush())]);
    const failure = this.failure;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }

  /** Flushes; what is added afterwards is 'disposed'. Twice is nothing. */
  async close(): Promise<void> {
    this.closed = true;
    for (const child of this.children.values()) child.closed = true;
    await this.flush();
  }

  private child(run: string): SummaryWriter {
    const found = this.children.get(run);
    if (found) return found;
    this.open();
    const made = new SummaryWriter(this.sink, { ...this.options, run: this.folder + run });
    this.children.set(run, made);
    return made;
  }

  private add(step: number, what: Field, time = this.now(), whole = false): void {
    if (!Number.isSafeInteger(step)) throw new WgradError('invalid-argument', `a step of ${step}; a whole number is needed`); // prettier-ignore
    this.open();
    this.put(messages.event(time, step, whole ? what : messages.summary(what)));
  }

  private open(): void {
    if (this.closed) throw new WgradError('disposed', 'a SummaryWriter was used after close()');
  }

  private put(data: Uint8Array): void {
    const bytes = record(data);
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
    if (this.pendingBytes >= FLUSH_BYTES) this.drain();
  }

  private drain(): void {
    const parts = this.pending;
    if (parts.length === 0) return;
    const bytes = new Uint8Array(this.pendingBytes);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    this.pending = [];
    this.pendingBytes = 0;
    this.append(this.file, bytes);
  }

  /** In the order of the calls; what the sink could not take is tried again by the next flush. */
  private append(path: string, bytes: Uint8Array): void {
    this.waiting.push({ path: this.folder + path, bytes });
    this.tail = this.tail.then(() => this.write()).catch((error: unknown) => void (this.failure ??= error));
  }

  private async write(): Promise<void> {
    for (let next = this.waiting[0]; next; next = this.waiting[0]) {
      await this.sink.append(next.path, next.bytes);
      this.waiting.shift();
    }
  }
}

function named(tag: string): string {
  if (tag === '') throw new WgradError('invalid-argument', "a tag of ''; it names the chart");
  return tag;
}
