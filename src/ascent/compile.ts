/** One step of ascent as a Program: what is drawn, what the network sees of it, what is raised, how it moves. */
import { grad } from '../autograd/grad.ts';
import { WgradError } from '../errors.ts';
import { input, Variable } from '../graph/leaves.ts';
import { withRole, type Tensor } from '../graph/tensor.ts';
import type { Model } from '../model/model.ts';
import { add, greater, lessOrEqual } from '../ops/binary.ts';
import { broadcastTo } from '../ops/broadcast.ts';
import { concat } from '../ops/concat.ts';
import { assign } from '../ops/effects.ts';
import { mean, sum } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { neg, sqrt, square } from '../ops/unary.ts';
import { scalar } from '../graph/leaves.ts';
import { where } from '../ops/where.ts';
import type { Feeds, Program } from '../plan/program.ts';
import type { Random } from '../random.ts';
import { SETTINGS, type Optimizer } from '../train/optimizers.ts';
import { fit, transformed, type Transform } from '../transforms/index.ts';
import { modified, type GradientModifier } from './gradient.ts';
import type { Objective } from './objectives/objective.ts';
import { toInput, type PixelSpace } from './picture/space.ts';
import type { DrawnPicture } from './picture/types.ts';
import { redirected, reluRules, type ReluRule } from './relu.ts';
import { sceneOf, type Scene } from './scene.ts';

export interface StepRequest {
  /** One for all pictures, or one for each. */
  objectives: readonly Objective[];
  drawn: DrawnPicture;
  space: PixelSpace;
  transforms: readonly Transform[];
  optimizer: Optimizer;
  lr: Rate;
  gradient: readonly GradientModifier[];
  relu: ReluRule;
  signal: AbortSignal | undefined;
}

/** In the optimiser's units; a function of the step (from 1) makes a schedule. */
export type Rate = number | ((step: number) => number);

/** Numbers of one picture in the report. */
export const REPORT = { score: 0, gradient: 1, dead: 2 } as const;
const COLUMNS = 3;

export interface CompiledStep {
  readonly program: Program<never>;
  /** With ReLUs redirected; compiled when it is asked for. */
  redirected(): Promise<Program<never>>;
  /** @param step from 0. */
  feeds(step: number, random: Random): Feeds;
  /** Of the last run: the pictures as drawn [N,C,H,W], pixel values; with opacity, [N,C+1,H,W]. */
  readonly shown: Variable;
  /** Of the last run, [N, {@link REPORT}]: score, length of the gradient, share of dead positions (-1: none). */
  readonly report: Variable;
  /** The pictures of the highest score so far, and their scores [N] and steps [N]. */
  readonly best: { readonly pictures: Variable; readonly scores: Variable; readonly steps: Variable };
  dispose(): void;
}

/** What the pictures raise, one score for each. */
function scores(objectives: readonly Objective[], scene: Scene): Tensor {
  if (objectives.length === 1) return broadcastTo(objectives[0]!.build(scene), [scene.pictures]);
  return concat(
    objectives.map((objective, i) => reshape(objective.build(scene.only(i)), [1])),
    0,
  );
}

/** Share of positions at which a picture's unit is not positive; -1 where the objective is about no unit. */
function deadShares(objectives: readonly Objective[], scene: Scene): Tensor {
  const share = (o: Objective, s: Scene): Tensor => {
    const unit = o.unit?.(s);
    if (!unit) return broadcastTo(scalar(-1), [s.pictures]);
    const off = lessOrEqual(unit, scalar(0));
    return unit.rank === 1 ? off : mean(reshape(off, [s.pictures, unit.size / s.pictures]), [1]);
  };
  if (objectives.length === 1) return share(objectives[0]!, scene);
  return concat(
    objectives.map((o, i) => share(o, scene.only(i))),
    0,
  );
}

export async function compileStep(model: Model, request: StepRequest): Promise<CompiledStep> {
  const { objectives, drawn, space, lr, signal } = request;
  const [n, , h, w] = drawn.pixels.shape as [number, number, number, number];
  const { y: seen, draw } = whatIsSeen(request);
  const graph = model.graph({ input: seen });
  const scene = sceneOf(model, graph, {
    pixels: drawn.pixels,
    input: drawn.input ?? toInput(drawn.pixels, space),
    alpha: drawn.alpha,
  });
  const each = scores(objectives, scene);
  const total = sum(each);
  requireDependence(total, drawn, objectives);
  const slots = drawn.variables.map((v) => request.optimizer.slot(v));
  const settings = input('settings', [1, SETTINGS]);
  const picture = drawn.alpha ? concat([drawn.pixels, drawn.alpha], 1) : drawn.pixels;
  const layers = picture.shape[1]!;
  const zeros = (name: string, shape: readonly number[], fill = 0) =>
    new Variable(name, shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill));
  const shown = zeros('shown', [n, layers, h, w]);
  const report = zeros('report', [n, COLUMNS]);
  const best = {
    pictures: zeros('best', [n, layers, h, w]),
    scores: zeros('best.scores', [n], -Infinity),
    steps: zeros('best.steps', [n]),
  };
  const dead = deadShares(objectives, scene);
  const step = input('step', []);

  const compile = (rules: typeof redirected) => {
    const gradients = grad(total, drawn.variables.map((v) => v.tensor), { rules }); // prettier-ignore
    const updates = withRole('update', () => {
      const lengths = gradientLengths(gradients, n);
      const rows = [each, lengths, dead].map((t) => reshape(t, [n, 1]));
      const better = greater(each, best.scores.tensor);
      return [
        assign(report, concat(rows, 1)),
        assign(shown, picture),
        assign(best.pictures, where(reshape(better, [n, 1, 1, 1]), picture, best.pictures.tensor)),
        assign(best.scores, where(better, each, best.scores.tensor)),
        assign(best.steps, where(better, broadcastTo(step, [n]), best.steps.tensor)),
        ...slots.map((slot, i) => slot.update(neg(modified(gradients[i]!, request.gradient, n)), settings)),
        ...(drawn.project?.() ?? []),
      ];
    });
    return model.engine.compile<never>({ outputs: {}, updates }, { signal });
  };

  const state = [...drawn.variables, shown, report, ...Object.values(best), ...slots.flatMap((s) => s.state)];
  const made: Program<never>[] = [];
  const dispose = () => {
    for (const program of made) program.dispose();
    model.engine.release(state);
  };
  try {
    const program = await compile(reluRules[request.relu]);
    made.push(program);
    let other: Program<never> | undefined;
    return {
      program,
      async redirected() {
        if (!other) {
          other = await compile(redirected);
          made.push(other);
        }
        return other;
      },
      feeds(at, random) {
        // Where penalties alone are raised, nothing is moved.
        const moves = Object.entries(draw(random)).filter(([name]) => program.plan.inputs.has(name));
        return {
          ...Object.fromEntries(moves),
          settings: request.optimizer.settings(at + 1, typeof lr === 'number' ? lr : lr(at + 1)),
          step: at,
        };
      },
      shown,
      report,
      best,
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** What the network takes: the pictures over their background, transformed, in its units; and what a run draws. */
function whatIsSeen({ drawn, transforms, space }: StepRequest): { y: Tensor; draw(random: Random): Feeds } {
  const base = drawn.seen ?? drawn.pixels;
  const background = (random: Random): Feeds => drawn.draw?.(random) ?? {};
  if (transforms.length === 0) {
    return { y: drawn.input && !drawn.seen ? drawn.input : toInput(base, space), draw: background };
  }
  const [, , h, w] = base.shape as [number, number, number, number];
  // Outside the picture is mid grey, as in Lucid's padding.
  const moved = transformed(base, [...transforms, fit([h, w])], { id: 'transform', fill: 0.5 });
  return { y: toInput(moved.y, space), draw: (random) => ({ ...background(random), ...moved.draw(random) }) };
}

/** Length of each picture's gradient, over all that belongs to it; what pictures share counts for all. */
function gradientLengths(gradients: readonly Tensor[], n: number): Tensor {
  const squares = gradients.map((g) => {
    const own = g.shape[0] === n;
    const total = own ? sum(square(reshape(g, [n, g.size / n])), [1]) : broadcastTo(sum(square(g)), [n]);
    return total;
  });
  return sqrt(squares.reduce((a, b) => add(a, b)));
}

function requireDependence(total: Tensor, drawn: DrawnPicture, objectives: readonly Objective[]): void {
  const wanted = new Set(drawn.variables.map((v) => v.tensor.node));
  const seen = new Set([total.node]);
  for (const node of seen) {
    if (wanted.has(node)) return;
    // What lies behind it is held fixed.
    if (node.op.name !== 'stop_gradient') for (const input of node.inputs) seen.add(input.node);
  }
  throw new WgradError('not-differentiable', `ascend: ${objectives[0]!.name} does not depend on the picture`, {
    remedy: 'Choose a layer that the picture reaches',
  });
}
