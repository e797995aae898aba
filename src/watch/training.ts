/**
 * A training watched: what its events say, what the network looks like between them, and what became of it. It hears
 * `fit`'s events and keeps the story; TensorBoard (log.ts) and the page (report.ts) are told from it.
 */
import { WgradError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import type { SummaryWriter } from '../tensorboard/index.ts';
import type { Dataset } from '../train/dataset.ts';
import { evaluate, type Evaluation } from '../train/evaluate.ts';
import type { EpochEvent, FitEvent, StartEvent } from '../train/events.ts';
import { layersMoved, shortcutWarnings, type Moved, type State } from './drift.ts';
import { lastEntries, logEpoch, logGradients, logLook, logStart, logStep } from './log.ts';
import { Looker, type Look, type WatchOptions } from './look.ts';
import { changedUnits, worstMistakes, type ChangedUnit, type Mistake } from './outcome.ts';

/** Options of {@link TrainingWatch}. */
export interface TrainingWatchOptions {
  /** Held-out pictures: the same as `fit`'s `validation`. */
  validation?: Dataset;
  /** Pictures, methods and units that are drawn while it goes on. */
  watch?: WatchOptions;
  /** TensorBoard's files. The caller closes it. */
  log?: SummaryWriter;
  /** Epochs between histograms of weights and gradients in the log; 0: none. Default 1. */
  histograms?: number;
  /** Shown in TensorBoard's HPARAMS page, and on the report. */
  hyperparameters?: Readonly<Record<string, number | string | boolean>>;
  signal?: AbortSignal;
}

/** All that was seen of a training. */
export interface TrainingStory {
  classes: readonly string[];
  hyperparameters: Readonly<Record<string, number | string | boolean>>;
  start: StartEvent | undefined;
  steps: { step: number; loss: number; lr: number }[];
  epochs: EpochEvent[];
  /** Of the held-out pictures before training. */
  before: Evaluation | undefined;
  looks: Look[];
  /** By the last epoch. */
  moved: Moved[];
  mistakes: Mistake[];
  units: ChangedUnit[];
  warnings: string[];
}

/** Listens to a training: its curves, maps and drawings, TensorBoard's log, and the story for a page. */
export class TrainingWatch {
  readonly story: TrainingStory;
  /** Trained parameters as they were. */
  private initial: State = new Map();
  private looker: Looker | undefined;
  private over = false;

  private constructor(
    private readonly model: Model,
    private readonly options: TrainingWatchOptions,
  ) {
    const { validation, hyperparameters = {} } = options;
    this.story = {
      classes: validation?.classes ?? model.labels ?? [],
      hyperparameters,
      start: undefined,
      steps: [],
      epochs: [],
      before: undefined,
      looks: [],
      moved: [],
      mistakes: [],
      units: [],
      warnings: [],
    };
  }

  /**
   * Call it when the head is the one that will be trained. What it draws is drawn between steps, on the same device.
   * @throws what the methods of `watch` throw.
   */
  static async create(model: Model, options: TrainingWatchOptions = {}): Promise<TrainingWatch> {
    const watch = new TrainingWatch(model, options);
    const { every = 1 } = options.watch ?? {};
    if (!Number.isInteger(every) || every < 1) throw new WgradError('invalid-argument', `watch: every ${every} epochs`);
    if (options.watch) watch.looker = await Looker.create(model, options.watch, options.signal);
    return watch;
  }

  /** Await it before the next event. */
  async hear(event: FitEvent): Promise<void> {
    const { log, signal } = this.options;
    if (event.type === 'start') await this.begin(event);
    if (event.type === 'step') {
      this.story.steps.push({ step: event.step, loss: event.loss, lr: event.lr });
      if (!log) return;
      logStep(log, event);
      const { perEpoch } = this.story.start!;
      if (event.step % perEpoch === 0 && this.hasHistograms(event.epoch)) logGradients(log, event.step, await event.gradients()); // prettier-ignore
    }
    if (event.type === 'epoch') {
      this.story.epochs.push(event);
      const state = await this.trained(this.story.start!.trained);
      this.story.moved = layersMoved(this.initial, state, (name) => this.model.parameter(name).layer);
      if (log) await logEpoch(log, this.model, event, this.story, this.hasHistograms(event.epoch) ? state : undefined, this.options.validation); // prettier-ignore
      const { every = 1 } = this.options.watch ?? {};
      if (event.epoch % every === 0 || event.epoch === event.epochs) await this.look(event.epoch, event.step);
      await log?.flush();
    }
    signal?.throwIfAborted();
  }

  /**
   * After the last event, or where training was stopped: the worst mistakes and the units that changed most, as they are
   * and as they were. The parameters are the trained ones again afterwards.
   */
  async finish(): Promise<TrainingStory> {
    if (this.over) return this.story;
    this.over = true;
    const { story, model } = this;
    const { log, validation, signal, watch } = this.options;
    try {
      if (story.start && story.epochs.length > 0) {
        const after = await this.trained(story.start.trained);
        const swap = { before: this.initial, after };
        const last = story.epochs.at(-1)!.validation;
        if (validation && last) story.mistakes = await worstMistakes(model, validation, last, { swap, signal });
        story.units = await changedUnits(model, swap, watch?.unitSteps ?? 64, signal);
      }
      const places = (look: Look | undefined) => look?.maps.map((map) => map.place) ?? [];
      story.warnings = shortcutWarnings(places(story.looks[0]), places(story.looks.at(-1)));
      if (log) await lastEntries(log, model, story, validation, signal);
      await log?.flush();
      return story;
    } finally {
      this.looker?.dispose();
    }
  }

  private hasHistograms(epoch: number): boolean {
    const { log, histograms = 1 } = this.options;
    return log !== undefined && histograms > 0 && epoch % histograms === 0;
  }

  private async begin(event: StartEvent): Promise<void> {
    const { log, validation, signal } = this.options;
    this.story.start = event;
    this.initial = await this.trained(event.trained);
    if (validation) this.story.before = await evaluate(this.model, validation, signal ? { signal } : {});
    if (log) logStart(log, this.model, this.story);
    await this.look(0, 0);
  }

  private async look(epoch: number, step: number): Promise<void> {
    if (!this.looker) return;
    const look = await this.looker.look(epoch, this.options.signal);
    this.story.looks.push(look);
    if (this.options.log) await logLook(this.options.log, this.model, look, step);
  }

  private async trained(names: readonly string[]): Promise<Map<string, Float32Array>> {
    const { engine } = this.model;
    return new Map(await Promise.all(names.map(async (name) => [name, await engine.read(this.model.parameter(name).variable)] as const))); // prettier-ignore
  }
}
