/** All that the page asks of the engine. It runs in a Worker, so that the page stays alive whatever is computed. */
import type { FigureOptions } from '../../../src/explain/index.ts';
import { receiveBytes } from '../../../src/receive.ts';
import { expose, transfer } from '../../../src/worker/wire.ts';

import { Dreaming, type Dream, type DreamFrame, type PhotoDream, type SheetCell } from './dreaming.ts';
import { Explaining, type Partial } from './explaining.ts';
import { Forecasting } from './forecast.ts';
import { Jobs } from './jobs.ts';
import { Measuring, type BenchSize, type MeasuredCase } from './measuring.ts';
import { Session } from './session.ts';
import { Tuning, type TuneEvent, type TuneOptions } from './tuning.ts';

export class Lab {
  private readonly session = new Session();
  private readonly explaining = new Explaining(this.session);
  private readonly tuning = new Tuning(this.session);
  private readonly forecasting = new Forecasting(this.session);
  private readonly dreaming = new Dreaming(this.session);
  private readonly measuring = new Measuring(this.session);
  private readonly jobs = new Jobs(() => this.session.recover());

  device() {
    return this.jobs.run('device', () => this.session.device());
  }

  stop(job: string): void {
    if (job === 'tune') this.tuning.resume();
    this.jobs.stop(job);
  }

  openFile(bytes: Uint8Array, name: string) {
    return this.opening((signal) => this.session.open(bytes, name, signal));
  }

  openUrl(url: string, name: string, onProgress: (loaded: number, total: number) => void) {
    return this.opening(async (signal) => {
      const bytes = await receiveBytes(url, { signal, onProgress });
      return this.session.open(bytes, name, signal);
    });
  }

  openPublished(name: string, onProgress: (loaded: number, total: number) => void) {
    return this.opening((signal) => this.session.openPublished(name, signal, onProgress));
  }

  private opening(open: (signal: AbortSignal) => ReturnType<Session['open']>) {
    return this.jobs.run('open', async (signal) => {
      const info = await open(signal);
      this.explaining.reset();
      return info;
    });
  }

  add(source: Blob | ImageData) {
    return this.jobs.run(`add ${Math.random()}`, () => this.session.add(source));
  }

  /** Pictures that nobody sees any more. */
  drop(...pictures: number[]): void {
    for (const id of pictures) this.session.drop(id);
  }

  /** What the engine holds on the device. */
  memory() {
    return this.session.engine?.memory;
  }

  samples(classes: readonly string[], count: number, seed: string) {
    return this.jobs.run('samples', () => this.tuning.samples(classes, count, seed));
  }

  methods() {
    return this.jobs.run('methods', () => this.explaining.methods());
  }

  classify(picture: number) {
    return this.jobs.run('classify', (signal) => this.explaining.classify(picture, signal));
  }

  explain(picture: number, method: string, target: number | undefined, onPartial: (partial: Partial) => void) {
    return this.jobs.run(`explain ${method}`, (s) => this.explaining.explain(picture, method, target, s, onPartial));
  }

  draw(map: number, options: FigureOptions) {
    return this.jobs.run(`draw ${map}`, () => this.explaining.draw(map, options));
  }

  forget(map: number): void {
    this.explaining.forget(map);
  }

  segments(picture: number) {
    return this.jobs.run('segments', () => this.explaining.segments(picture));
  }

  without(picture: number, region: number) {
    return this.jobs.run('without', (signal) => this.explaining.without(picture, region, signal));
  }

  forecast(options: Pick<TuneOptions, 'unfrozen' | 'optimizer' | 'batchSize'>) {
    return this.jobs.run('forecast', (signal) => this.forecasting.of(options, signal));
  }

  tune(options: TuneOptions, tell: (event: TuneEvent) => void) {
    return this.jobs.run('tune', async (signal) => {
      try {
        await this.tuning.run(options, signal, tell);
      } finally {
        this.explaining.reset();
      }
      return this.session.info();
    });
  }

  pause(): void {
    this.tuning.pause();
  }

  resume(): void {
    this.tuning.resume();
  }

  undo() {
    return this.opening(async (signal) => {
      await this.tuning.undo(signal);
      return this.session.info();
    });
  }

  save() {
    return this.jobs.run('save', async (signal) => {
      const bytes = await this.session.current.saveOnnx({ signal });
      return transfer(bytes);
    });
  }

  dream(dream: Dream, tell: (frame: DreamFrame) => void) {
    return this.jobs.run('dream', (signal) => this.dreaming.run(dream, signal, tell));
  }

  /** As the network would see it. */
  preview(source: Blob | ImageData) {
    return this.jobs.run('preview', async () => {
      const { id, image } = await this.session.add(source);
      this.session.drop(id);
      return image;
    });
  }

  dreamOn(source: Blob | ImageData, dream: PhotoDream, tell: (frame: DreamFrame) => void) {
    return this.jobs.run('dream', (signal) => this.dreaming.onPhoto(source, dream, signal, tell));
  }

  animation(frames: readonly ImageData[], delay: number) {
    return this.jobs.run('animation', async () => transfer(await this.dreaming.animation(frames, delay)));
  }

  sheet(layer: string, units: readonly number[], steps: number, tell: (cell: SheetCell) => void) {
    return this.jobs.run('sheet', (signal) => this.dreaming.sheet(layer, units, steps, signal, tell));
  }

  bench(size: BenchSize, tell: (measured: MeasuredCase) => void) {
    return this.jobs.run('bench', (signal) => this.measuring.run(size, signal, tell));
  }
}

expose(new Lab());
