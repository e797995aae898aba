/**
 * Pictures near a picture that the model takes for something else. FGSM: one step (Goodfellow, Shlens, Szegedy 2014,
 * arXiv:1412.6572); PGD: many, each brought back into the ball (Madry et al. 2017, arXiv:1706.06083). One compiled
 * program; the picture stays on the device from step to step and is read once.
 */
import { grad } from '../../autograd/grad.ts';
import { WgradError } from '../../errors.ts';
import { constant, input, Variable } from '../../graph/leaves.ts';
import { checkPicture } from '../../model/gate.ts';
import type { Model } from '../../model/model.ts';
import { classColumns, requireScores } from '../../model/roles.ts';
import { classIndex, type ClassTarget } from '../../model/target.ts';
import {
  abortSignal,
  choice,
  count,
  custom,
  flag,
  floats,
  positive,
  readOptions,
  without,
  whole,
  type OptionsOf,
} from '../../options.ts';
import { assign } from '../../ops/effects.ts';
import { add, greater, logicalAnd, mul, sub } from '../../ops/binary.ts';
import { max, sum } from '../../ops/reduce.ts';
import { abs, affine, logicalNot } from '../../ops/unary.ts';
import { where } from '../../ops/where.ts';
import { Random } from '../../random.ts';
import { classScore } from '../score.ts';
import { intoBall, uphill, type BallNorm } from './step.ts';

const classOption = (help: string) =>
  custom<ClassTarget>(help, 'a class index or label', (v) => typeof v === 'number' || typeof v === 'string');

export const attackOptions = {
  norm: choice(['linf', 'l2'], 'linf', 'how far is measured: largest change of a value, or Euclidean length'),
  units: choice(['pixel', 'input'], 'pixel', 'of epsilon: full brightness is 1, or values of the input space'),
  epsilon: positive(undefined, 'radius of the ball (default: 8/255; for l2 that times the root of the number of values)'), // prettier-ignore
  steps: count(20, 'gradient steps'),
  stepSize: positive(undefined, 'length of a step (default: 2.5 epsilon / steps, as Madry et al.)'),
  label: classOption('the class to leave (default: the predicted one)'),
  target: classOption('the class to reach (default: any other than the label)'),
  loss: choice(['cross-entropy', 'logit'], 'cross-entropy', 'what is climbed'),
  randomStart: flag(true, 'start anywhere in the ball'),
  seed: whole(0, 'of the start'),
  earlyStop: flag(true, 'stop at the first picture that the model takes for another class'),
  clip: flag(true, 'keep to valid pixels'),
  range: floats('lowest and highest valid values of the channels, [2,C] in input space (default: black and white)'),
  signal: abortSignal(),
};

/** Options of `pgd`. */
export type AttackOptions = OptionsOf<typeof attackOptions>;
/** Options of `fgsm`: those of a single step. */
export type FgsmOptions = Omit<AttackOptions, 'steps' | 'stepSize' | 'randomStart' | 'seed' | 'earlyStop'>;

/** The model's answer to a picture. */
export interface Prediction {
  index: number;
  label: string;
  logits: Float32Array;
}

/** A picture that was changed a little to change the answer. */
export interface Adversarial {
  /** [C,H,W], in input space. */
  picture: Float32Array;
  /** Whether the model left the label, or reached the target. */
  flipped: boolean;
  before: Prediction;
  after: Prediction;
  /** Of the change, in the units of epsilon. */
  norms: { linf: number; l2: number };
  epsilon: number;
  /** Gradients that it cost. */
  gradients: number;
}

/** Options that one compiled attack takes anew at each run. */
type RunAttack = Omit<ReturnType<typeof readAttack>, 'norm' | 'units' | 'loss' | 'clip' | 'range'>;

const readAttack = (what: string, given: AttackOptions) => readOptions(what, attackOptions, { ...given });

/** Iterated steps. @throws WgradError 'invalid-argument', 'shape', 'not-finite', 'unknown-name' (a class). */
export async function pgd(model: Model, pixels: Float32Array, given: AttackOptions = {}): Promise<Adversarial> {
  const options = readAttack('pgd', given);
  using attack = await compileAttack('pgd', model, options);
  return await attack.run(pixels, options);
}

/** One step to the surface of the ball. @throws as {@link pgd}. */
export async function fgsm(model: Model, pixels: Float32Array, given: FgsmOptions = {}): Promise<Adversarial> {
  readOptions('fgsm', without(attackOptions, 'steps', 'stepSize', 'randomStart', 'seed', 'earlyStop'), { ...given });
  const options = { ...readAttack('fgsm', given), steps: 1, randomStart: false, earlyStop: false };
  using attack = await compileAttack('fgsm', model, options);
  const epsilon = options.epsilon ?? attack.defaultEpsilon;
  return await attack.run(pixels, { ...options, epsilon, stepSize: epsilon });
}

export interface Attack extends Disposable {
  /** In the attack's units. */
  readonly defaultEpsilon: number;
  run(pixels: Float32Array, options: RunAttack): Promise<Adversarial>;
}

export type CompileAttack = Pick<
  ReturnType<typeof readAttack>,
  'norm' | 'units' | 'loss' | 'clip' | 'range' | 'signal'
>;

/** Every class, radius, step length and start goes through one program. */
export async function compileAttack(what: string, model: Model, options: CompileAttack): Promise<Attack> {
  const { engine } = model;
  const shape = model.pictureShape;
  const { kind } = requireScores(model.roles);
  if (model.classes < 2)
    throw new WgradError('invalid-argument', `${what}: the model has one class, which cannot flip`);
  const space = spaceOf(what, model, options);
  const perChannel = (values: ArrayLike<number>) => constant(Float32Array.from(values), [1, shape[0], 1, 1]);
  const size = shape[0] * shape[1] * shape[2];
  const x = new Variable('adversarial_picture', [1, ...shape], new Float32Array(size));
  const origin = input('picture', [1, ...shape]);
  const output = options.loss === 'logit' ? 'logit' : 'log-probability';
  const { graph, outputs } = classScore(model, output)({ input: x.tensor });
  // +1 at the class to reach, or -1 at the class to leave: uphill is right in both cases.
  const weights = input('weights', [1, outputs.shape[1]!]);
  const [gradient] = grad(sum(mul(outputs, weights)), [x.tensor]);
  const columns = classColumns(graph.logits, kind);
  const others = max(add(columns, affine(abs(weights), -OUT_OF_THE_RACE)), [1]);
  // How far the wanted class is ahead of the others, or any other ahead of the one to leave.
  const lead = sub(sum(mul(columns, weights), [1]), mul(sum(weights, [1]), others));
  const [radius, step, stay] = [input('radius', [1]), input('step', [1]), input('stop', [1])];
  const ball = {
    norm: options.norm,
    radius,
    unit: perChannel(space.unit),
    ...(space.range && { range: [perChannel(space.range[0]), perChannel(space.range[1])] as const }),
  };
  const zero = constant([0]);
  const go = logicalNot(logicalAnd(greater(stay, zero), greater(lead, zero)));
  const moved = intoBall(uphill(x.tensor, gradient!, step, ball), origin, ball);
  const next = where(go, moved, x.tensor);
  const program = await engine.compile(
    { outputs: { logits: graph.logits, lead }, updates: [assign(x, next)] },
    { signal: options.signal },
  );
  const defaultEpsilon = (8 / 255) * (options.norm === 'l2' ? Math.sqrt(size) : 1);
  const predict = (logits: Float32Array): Prediction => {
    const index = model.predicted(logits);
    return { index, label: model.labelOf(index), logits };
  };

  return {
    defaultEpsilon,
    async run(pixels, options) {
      const { steps, seed, earlyStop, signal } = options;
      checkPicture(pixels, shape, `${what}: the picture`);
      signal?.throwIfAborted();
      const epsilon = options.epsilon ?? defaultEpsilon;
      const stepSize = options.stepSize ?? (2.5 * epsilon) / steps;
      let gradients = 0;
      const pass = async (weights: Float32Array, stop: number, length: number, radius: number) => {
        const [of, stepOf, stopOf] = [radius, length, stop].map((v) => Float32Array.of(v));
        const feeds = { picture: pixels, weights, radius: of!, step: stepOf!, stop: stopOf! };
        const { logits, lead } = await program.run(feeds, { signal });
        gradients++;
        return { logits, flipped: lead[0]! > 0 };
      };
      const none = new Float32Array(outputs.shape[1]!);
      await engine.write(x, pixels);
      const clean = await pass(none, 0, 0, 0);
      const before = predict(clean.logits);
      const label = options.label === undefined ? before.index : classIndex(model, options.label);
      const wanted = options.target === undefined ? undefined : classIndex(model, options.target);
      if (wanted !== undefined && wanted === label) {
        throw new WgradError('invalid-argument', `${what}: the target ${model.labelOf(wanted)} is the class to leave`, {
          remedy: 'Give another target, or none',
        });
      }
      const weights = none.slice();
      weights[wanted ?? label] = wanted === undefined ? -1 : 1;
      const there = wanted === undefined ? before.index !== label : before.index === wanted;
      let last = { logits: clean.logits, flipped: there };
      if (!(there && earlyStop)) {
        if (options.randomStart) {
          await engine.write(x, randomStart(pixels, shape, space, ball.norm, epsilon, seed));
        }
        for (let k = 0; k < steps; k++) {
          last = await pass(weights, earlyStop ? 1 : 0, stepSize, epsilon);
          if (earlyStop && last.flipped) break;
        }
        // The logits of a run are those of the picture before its step.
        if (!(earlyStop && last.flipped)) last = await pass(weights, 1, 0, epsilon);
      }
      const picture = await engine.read(x, { signal });
      const after = predict(last.logits);
      return {
        picture,
        flipped: wanted === undefined ? after.index !== label : after.index === wanted,
        before,
        after,
        norms: normsOf(pixels, picture, space.unit),
        epsilon,
        gradients,
      };
    },
    [Symbol.dispose]() {
      program.dispose();
      engine.release([x]);
    },
  };
}

/** Taken from a logit, it leaves no class that could win. */
const OUT_OF_THE_RACE = 1e30;

interface Space {
  /** One unit of epsilon in the values of each channel. */
  unit: Float64Array;
  range?: readonly [low: Float64Array, high: Float64Array];
}

function spaceOf(what: string, model: Model, { units, clip, range }: CompileAttack): Space {
  const [channels] = model.pictureShape;
  const spec = model.preprocess;
  if (!spec && (units === 'pixel' || (clip && !range))) {
    throw new WgradError('invalid-argument', `${what}: the model does not say how pixels become its input`, {
      remedy: "Give units: 'input', and range (or clip: false)",
    });
  }
  if (range && range.length !== 2 * channels) {
    throw new WgradError('shape', `${what}: a range of ${range.length} values for ${channels} channels`, {
      remedy: 'Give the lowest value of each channel, then the highest of each',
    });
  }
  // One entry of the preprocessing may stand for all channels.
  const each = (values: readonly number[], c: number) => values[values.length === 1 ? 0 : c]!;
  const of = (value: (c: number) => number) => Float64Array.from({ length: channels }, (_, c) => value(c));
  const unit = of((c) => (units === 'input' ? 1 : 1 / Math.abs(each(spec!.std, c))));
  if (!clip) return { unit };
  const bound = (brightness: number) => (c: number) => (brightness - each(spec!.mean, c)) / each(spec!.std, c);
  const ends = range
    ? ([of((c) => range[c]!), of((c) => range[channels + c]!)] as const)
    : ([of((c) => Math.min(bound(0)(c), bound(1)(c))), of((c) => Math.max(bound(0)(c), bound(1)(c)))] as const);
  for (let c = 0; c < channels; c++) {
    if (ends[0][c]! < ends[1][c]!) continue;
    throw new WgradError('invalid-argument', `${what}: the range of channel ${c} is ${ends[0][c]} to ${ends[1][c]}`);
  }
  return { unit, range: ends };
}

/** Uniform in the ball, then made valid. In n dimensions a ball of radius r holds r^n of the whole. */
function randomStart(
  pixels: Float32Array,
  [, h, w]: readonly [number, number, number],
  { unit, range }: Space,
  norm: BallNorm,
  epsilon: number,
  seed: number,
): Float32Array {
  const random = new Random(`attack ${seed}`);
  const n = pixels.length;
  const change = Float64Array.from({ length: n }, () => (norm === 'linf' ? random.uniform(-1, 1) : random.normal()));
  if (norm === 'l2') {
    const length = Math.sqrt(change.reduce((n, v) => n + v * v, 0));
    const radius = random.uniform() ** (1 / n);
    change.forEach((v, i) => (change[i] = (v / length) * radius));
  }
  return pixels.map((v, i) => {
    const c = Math.floor(i / (h * w));
    const moved = v + epsilon * unit[c]! * change[i]!;
    if (!range) return moved;
    return Math.min(Math.max(moved, Math.min(range[0][c]!, v)), Math.max(range[1][c]!, v));
  });
}

function normsOf(from: Float32Array, to: Float32Array, unit: Float64Array): { linf: number; l2: number } {
  const plane = from.length / unit.length;
  let [linf, l2] = [0, 0];
  for (let i = 0; i < from.length; i++) {
    const d = Math.abs(to[i]! - from[i]!) / unit[Math.floor(i / plane)]!;
    linf = Math.max(linf, d);
    l2 += d * d;
  }
  return { linf, l2: Math.sqrt(l2) };
}
