/**
 * A training between two steps: the model, what the optimiser keeps, the sources of pictures, and {@link Progress}.
 * Programs are made for what is trainable; when that changes they are made anew, and what was kept goes on.
 */
import type { Engine } from '../engine.ts';
import type { WgradError } from '../errors.ts';
import type { Variable } from '../graph/leaves.ts';
import type { Model } from '../model/model.ts';
import { augments, type AugmentOptions } from './augment.ts';
import { checkSame, Checksum, decodeCheckpoint, encodeCheckpoint, type Settings, type State } from './checkpoint.ts';
import type { Dataset } from './dataset.ts';
import { entranceFor, type MicroBatch } from './entrance.ts';
import type { Evaluation } from './evaluate.ts';
import { Evaluator } from './evaluator.ts';
import { FrozenPart } from './frozen.ts';
import { Inputs, type Kept } from './inputs.ts';
import type { DistillOptions } from './loss.ts';
import { restoreEngine, type Kept as KeptValues } from './recovery.ts';
import { isBetter, newProgress, type EpochRecord, type Monitor, type Progress } from './progress.ts';
import type { Source } from './source.ts';
import { TrainStep, type StepResult } from './step.ts';
import { changedBy } from './step_graph.ts';
import { lossData, type StepOptions } from './step_options.ts';
import { Teacher } from './teacher.ts';

export interface TrainingOptions {
  /** Of each step; without what the training itself decides. */
  step: Omit<StepOptions, 'splitFrozen' | 'since' | 'signal' | 'entrance' | 'teacher'>;
  /** How training pictures are changed, and the seed of what is drawn. */
  augment: AugmentOptions & { seed: number };
  distill: DistillOptions | undefined;
  validation: Dataset | undefined;
  cache: Kept | undefined;
  monitor: Monitor;
  /** Whether the best parameters are kept. */
  keepBest: boolean;
  signal: AbortSignal | undefined;
}

interface Programs {
  step: TrainStep;
  inputs: Inputs;
  source: Source;
  evaluator: Evaluator | undefined;
  held: Source | undefined;
  /** Of the evaluation, where its pictures come in otherwise than those of training. */
  plain: FrozenPart | undefined;
}

export class Training {
  progress: Progress = newProgress();
  private programs: Programs | undefined;
  /** What training has changed so far, by name. */
  private readonly changed = new Map<string, Variable>();
  private best: Map<string, Float32Array> | undefined;
  private teacher: Teacher | undefined;
  private finished = false;
  private kept: KeptValues | undefined;
  /** Known for that number of changed variables. */
  private sum: { of: number; value: string } | undefined;

  constructor(
    private readonly model: Model,
    private readonly data: Dataset,
    private readonly o: TrainingOptions,
  ) {}

  private get ready(): Programs {
    if (!this.programs) throw new Error('the training has no programs yet');
    return this.programs;
  }

  get step(): TrainStep {
    return this.ready.step;
  }

  get source(): Source {
    return this.ready.source;
  }

  get inputs(): Inputs {
    return this.ready.inputs;
  }

  /** Makes the programs for what is trainable now; moments and averages of parameters that stay go on. */
  async prepare(): Promise<void> {
    const { model, data, o, progress } = this;
    const { validation, cache, signal } = o;
    const names = model.trainable().map((v) => v.name);
    const since = Object.fromEntries(names.map((name) => [name, progress.since[name] ?? progress.step]));
    const before = this.programs;
    const kept = before && (await readAll(model.engine, [...before.step.state, ...before.step.average]));
    const splitFrozen = cache !== undefined && data.fixed === true;
    const { batch, loss } = o.step;
    const entrance = entranceFor(model, data, { ...o.augment, batch });
    const teacher = await this.prepareTeacher();
    const step = await TrainStep.create(model, { ...o.step, entrance, splitFrozen, since, signal, ...teacher });
    let evaluator: Evaluator | undefined;
    let plain: FrozenPart | undefined;
    try {
      const { frozen } = step;
      const inputs = new Inputs(model, cache);
      const source = inputs.of(data, entrance, frozen, augments(o.augment) ? cache?.views : 1);
      let held: Source | undefined;
      if (validation) {
        const size = frozen ? batch : Math.min(batch, validation.length);
        // What comes in changed, or has a teacher's logits beside it, is not what an evaluation is made of.
        if (frozen && (augments(o.augment) || teacher)) {
          const { picture } = entranceFor(model, validation, { batch });
          plain = await FrozenPart.forEvaluation(model, picture, step.changes, signal);
        }
        const part = plain ?? frozen;
        evaluator = await Evaluator.create(model, validation, size, { frozen: part, loss: lossData(loss), signal });
        held = inputs.of(validation, evaluator.entrance, evaluator.isSplit ? part : undefined);
      }
      if (kept) await writeAll(model.engine, [...step.state, ...step.average], kept);
      this.disposePrograms();
      this.programs = { step, inputs, source, evaluator, held, plain };
      step.steps = progress.step;
      progress.since = { ...progress.since, ...since };
      for (const variable of step.changes) this.changed.set(variable.name, variable);
    } catch (error) {
      step.dispose();
      evaluator?.dispose();
      plain?.dispose();
      throw error;
    }
  }

  /** Keeps what training changes as it is before that: what is unfrozen later is still as it was. */
  private async prepareTeacher(): Promise<Pick<StepOptions, 'teacher'> | undefined> {
    const { model, o } = this;
    if (!o.distill) return undefined;
    this.teacher ??= new Teacher(model);
    const { updates } = model.graph({ training: true });
    await this.teacher.keep([...model.trainable(), ...changedBy(updates)]);
    return { teacher: { ...o.distill, model: this.teacher } };
  }

  async run(micros: readonly MicroBatch[], lr: number): Promise<StepResult> {
    const result = await this.step.runOn(micros, lr, { signal: this.o.signal });
    this.progress.step = this.step.steps;
    return result;
  }

  /** Ends an epoch: evaluates, and remembers it. @returns the evaluation, and whether it is the best so far. */
  async endEpoch(trained: { loss: number; accuracy: number }): Promise<{ held?: Evaluation; isBest: boolean }> {
    const { progress, o } = this;
    const { evaluator, held: source, step } = this.ready;
    const { history } = progress;
    const evaluated = await step.averaged(async () => {
      const held = evaluator && (await evaluator.run(o.validation!, o.signal ? { signal: o.signal } : {}, source));
      const record: EpochRecord = {
        ...trained,
        ...(held && { heldOut: { loss: held.loss, accuracy: held.accuracy } }),
      };
      const isBest = progress.best < 0 || isBetter(record, history[progress.best]!, o.monitor);
      if (isBest && o.keepBest) this.best = await this.snapshot();
      history.push(record);
      if (isBest) progress.best = history.length - 1;
      return { isBest, ...(held && { held }) };
    });
    progress.sums = { loss: 0, correct: 0 };
    return evaluated;
  }

  private snapshot(): Promise<Map<string, Float32Array>> {
    return readAll(this.model.engine, [...this.changed.values()]);
  }

  /** Leaves the average in the model, or the best parameters. */
  async finish(keep: 'best' | 'last'): Promise<void> {
    if (keep === 'best' && this.best) await writeAll(this.model.engine, this.changed.values(), this.best);
    else await this.step.adoptAverage();
    this.finished = true;
  }

  /** What {@link recover} goes back to: the training as of now. */
  async keep(): Promise<void> {
    const { engine } = this.model;
    const { progress, step, best } = this;
    const [model, optimizer, average] = await Promise.all([
      this.snapshot(),
      readAll(engine, step.state),
      readAll(engine, step.average),
    ]);
    this.kept = { progress: structuredClone(progress), values: { model, optimizer, average }, best };
  }

  /**
   * After a loss of the device: the engine on another one, and the training as it was at the last {@link keep}.
   * @throws (rejects) as `Engine.restore`; `loss` itself where the engine cannot make another device.
   */
  async recover(loss: WgradError): Promise<void> {
    const { engine } = this.model;
    const { step, changed, kept, o } = this;
    const { values, progress, best } = kept!;
    const parts = { model: [...changed.values()], optimizer: step.state, average: step.average };
    const known = new Map<Variable, Float32Array>();
    for (const [part, list] of Object.entries(parts) as [keyof typeof parts, readonly Variable[]][]) {
      for (const v of list) if (values[part].has(v.name)) known.set(v, values[part].get(v.name)!);
    }
    await restoreEngine(engine, known, loss, o.signal);
    // Where the engine had come back by itself, it has what it knew then.
    await Promise.all([...known].map(([v, data]) => engine.write(v, data)));
    this.progress = structuredClone(progress);
    this.best = best;
    step.steps = progress.step;
  }

  /** However it ended: one that was stopped leaves the average too, if the device can still be asked. */
  async end(): Promise<void> {
    if (!this.finished) await this.programs?.step.adoptAverage().catch(() => undefined);
    this.dispose();
  }

  /** A checksum of all parameters and statistics that training has not changed. */
  private async frozenSum(): Promise<string> {
    if (this.sum?.of === this.changed.size) return this.sum.value;
    const sum = new Checksum();
    for (const { variable } of this.model.network.parameters.values()) {
      if (!this.changed.has(variable.name)) sum.add(await this.model.engine.read(variable));
    }
    this.sum = { of: this.changed.size, value: sum.toString() };
    return this.sum.value;
  }

  /** The training as of now. */
  async save(settings: Settings): Promise<Uint8Array> {
    const { model, progress, step, changed, best } = this;
    const stored = async (list: Iterable<Variable>) => {
      const variables = [...list];
      const values = await readAll(model.engine, variables);
      return new Map(variables.map((v) => [v.name, { shape: v.shape, data: values.get(v.name)! }]));
    };
    const state: State = {
      model: await stored(changed.values()),
      optimizer: await stored(step.state),
      average: await stored(step.average),
      best: new Map([...(best ?? [])].map(([name, data]) => [name, { shape: changed.get(name)!.shape, data }])),
    };
    return encodeCheckpoint({ progress, settings: { ...settings, frozen: await this.frozenSum() }, state });
  }

  /**
   * Goes on from a checkpoint, with what was trainable then.
   * @throws WgradError 'file-format', 'invalid-argument' where it is of another training.
   */
  async restore(bytes: Uint8Array, settings: Settings): Promise<void> {
    const { progress, settings: saved, state } = decodeCheckpoint(bytes);
    checkSame({ ...saved, frozen: undefined }, settings);
    this.progress = progress;
    this.model.unfreeze(...Object.keys(progress.since));
    await this.prepare();
    const all = new Map([...this.model.network.parameters].map(([name, p]) => [name, p.variable]));
    for (const name of state.model.keys()) if (all.has(name)) this.changed.set(name, all.get(name)!);
    checkSame({ ...saved, frozen: saved['frozen'] }, { ...settings, frozen: await this.frozenSum() });
    const { engine } = this.model;
    const values = (part: keyof State) => new Map([...state[part]].map(([name, t]) => [name, t.data]));
    await writeAll(engine, this.changed.values(), values('model'));
    await writeAll(engine, this.step.state, values('optimizer'));
    await writeAll(engine, this.step.average, values('average'));
    if (state.best.size > 0) this.best = values('best');
  }

  private disposePrograms(): void {
    this.programs?.step.dispose();
    this.programs?.evaluator?.dispose();
    this.programs?.plain?.dispose();
    this.programs = undefined;
  }

  private dispose(): void {
    this.disposePrograms();
    this.teacher?.dispose();
  }
}

async function readAll(engine: Engine, variables: readonly Variable[]): Promise<Map<string, Float32Array>> {
  const read = async (v: Variable) => [v.name, await engine.read(v)] as const;
  return new Map(await Promise.all(variables.map(read)));
}

/** Those that there is a value for. */
async function writeAll(
  engine: Engine,
  variables: Iterable<Variable>,
  values: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const writes = [...variables].map((v) => values.get(v.name) && engine.write(v, values.get(v.name)!));
  await Promise.all(writes);
}
