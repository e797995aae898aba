/** What a training step will cost, before the first one: counted from its plan, timed by what this device did so far. */
import type { Engine } from '../../../src/engine.ts';
import { input } from '../../../src/graph/leaves.ts';
import type { Tensor } from '../../../src/graph/tensor.ts';
import type { Model } from '../../../src/model/model.ts';
import { neg } from '../../../src/ops/index.ts';
import type { Program } from '../../../src/plan/program.ts';
import { TrainStep } from '../../../src/train/index.ts';
import type { Session } from './session.ts';
import { optimizers, type TuneOptions } from './tuning.ts';

export interface Forecast {
  /** Of a step whose frozen part is kept, milliseconds. */
  stepMs: number;
  /** More in the first epoch: the frozen part of the step's pictures. */
  frozenMs: number;
  /** On the device: all weights, the optimiser's moments, activations. */
  bytes: number;
}

/** What a run costs that computes next to nothing, and what a dispatch and arithmetic add to it, on this device. */
interface Pace {
  runMs: number;
  dispatchMs: number;
  flopMs: number;
}

/** Pictures of the second of two timed runs: what they differ by is arithmetic. */
const MANY = 4;
/** The shortest of so many runs, or of those that fit a second: what else the machine does only makes them longer. */
const ROUNDS = 9;
const ENOUGH_MS = 1000;

const dispatchesOf = ({ stats }: Program) => Object.values(stats.dispatches).reduce((a, b) => a + b, 0);

export class Forecasting {
  private paces = new WeakMap<Model, Promise<Pace>>();

  constructor(private readonly session: Session) {}

  async of(
    { unfrozen, optimizer, batchSize }: Pick<TuneOptions, 'unfrozen' | 'optimizer' | 'batchSize'>,
    signal: AbortSignal,
  ): Promise<Forecast> {
    const model = this.session.current;
    const { runMs, dispatchMs, flopMs } = await this.pace(model, signal);
    model.freeze().unfreeze(...unfrozen);
    const step = await TrainStep.create(model, { optimizer: optimizers[optimizer](1e-3), batch: batchSize, splitFrozen: true, signal }); // prettier-ignore
    try {
      const { program, frozen } = step;
      const { flops, plannedBytes, staticBytes, inputBytes } = program.stats;
      const weights = [...model.network.parameters.values()].map((p) => p.variable);
      const values = [...weights, ...step.state].reduce((n, v) => n + v.tensor.size, 0);
      return {
        stepMs: runMs + dispatchesOf(program) * dispatchMs + flops * flopMs,
        frozenMs: (frozen?.flops ?? 0) * flopMs,
        bytes: Float32Array.BYTES_PER_ELEMENT * values + plannedBytes + staticBytes + inputBytes,
      };
    } finally {
      step.dispose();
    }
  }

  /** Timed once for each model; a failure, such as an abort, is forgotten. */
  private pace(model: Model, signal: AbortSignal): Promise<Pace> {
    let pace = this.paces.get(model);
    if (!pace) {
      pace = measure(model, signal);
      pace.catch(() => this.paces.delete(model));
      this.paces.set(model, pace);
    }
    return pace;
  }
}

async function measure(model: Model, signal: AbortSignal): Promise<Pace> {
  const { engine, inputName, pictureShape } = model;
  const forward = (pictures: number) => model.graph({ input: input(inputName, [pictures, ...pictureShape]) }).logits;
  const nothing = await timed(engine, neg(input(inputName, [1])), signal);
  const one = await timed(engine, forward(1), signal);
  const many = await timed(engine, forward(MANY), signal);
  const flopMs = Math.max(0, many.ms - one.ms) / (many.flops - one.flops);
  return { runMs: nothing.ms, flopMs, dispatchMs: Math.max(0, one.ms - nothing.ms - one.flops * flopMs) / one.dispatches }; // prettier-ignore
}

async function timed(engine: Engine, output: Tensor, signal: AbortSignal) {
  const program = await engine.compile({ outputs: { output } }, { signal });
  try {
    const feeds = Object.fromEntries(Array.from(program.plan.inputs, ([name, { tensor }]) => [name, new Float32Array(tensor.size)])); // prettier-ignore
    await program.run(feeds, { signal });
    let ms = Infinity;
    const begin = performance.now();
    for (let round = 0; round < ROUNDS && (round === 0 || performance.now() - begin < ENOUGH_MS); round++) {
      const start = performance.now();
      await program.run(feeds, { signal });
      ms = Math.min(ms, performance.now() - start);
    }
    return { ms, flops: program.stats.flops, dispatches: dispatchesOf(program) };
  } finally {
    program.dispose();
  }
}
