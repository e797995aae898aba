/** Single ops: operands are variables that the program "changes", so that nothing of it is computed once and kept. */
import { grad } from '../../../src/autograd/grad.ts';
import type { Engine } from '../../../src/engine.ts';
import { constant, Variable } from '../../../src/graph/leaves.ts';
import type { Op } from '../../../src/graph/op.ts';
import { apply1, type Layout, type Tensor } from '../../../src/graph/tensor.ts';
import { batchNormTrain } from '../../../src/ops/batch_norm.ts';
import { add, mul } from '../../../src/ops/binary.ts';
import { conv2d } from '../../../src/ops/conv2d.ts';
import { conv2dInputGrad, conv2dWeightGrad } from '../../../src/ops/conv2d_grad.ts';
import { crossEntropy } from '../../../src/ops/losses.ts';
import { matmul } from '../../../src/ops/matmul.ts';
import { maxPool2d } from '../../../src/ops/pool.ts';
import { sum } from '../../../src/ops/reduce.ts';
import { slice } from '../../../src/ops/slice.ts';
import type { Profile } from '../../../src/plan/profile.ts';
import type { Feeds, Program } from '../../../src/plan/program.ts';
import type { Entry, Task } from '../../core/case.ts';
import { convolutionShapes, noise, noiseOf, POOL, pooledSide, rectified, SMALL, targets } from '../../core/operands.ts';

/** An effect that has no kernel: the planner takes the variable for changed. */
const touchOp: Op<object> = {
  name: 'touch',
  effect: { changes: [0], inputs: ['variable'] },
  infer: () => [{ shape: [], dtype: 'f32' }],
  lower: () => undefined,
};

export const touch = (variable: Variable): Tensor => apply1(touchOp, [variable.tensor], {});

interface Work {
  variables: readonly Variable[];
  outputs: Readonly<Record<string, Tensor>>;
}

type Builder<K extends Task['kind']> = (task: Extract<Task, { kind: K }>) => Work;

const variable = (name: string, shape: number[], layout: Layout = shape.length === 4 ? 'nhwc' : 'row') =>
  new Variable(name, shape, noiseOf(shape, name), layout);

const of = (variables: Variable[], outputs: Work['outputs']): Work => ({ variables, outputs });

/** The gradients of sum(y dy), by name. */
function gradients(y: Tensor, dy: Variable, wrt: Readonly<Record<string, Variable>>): Work {
  const found = grad(sum(mul(y, dy.tensor)), Object.values(wrt).map((v) => v.tensor)); // prettier-ignore
  const outputs = Object.fromEntries(Object.keys(wrt).map((name, i) => [name, found[i]!]));
  return of([...Object.values(wrt), dy], outputs);
}

const builders: { [K in Task['kind']]?: Builder<K> } = {
  convolution(task) {
    const shapes = convolutionShapes(task);
    const { pad, x: xs, w: ws, y: ys } = shapes;
    const attrs = { strides: [task.stride, task.stride], pads: [pad, pad, pad, pad], dilations: [1, 1], groups: 1 } as const; // prettier-ignore
    const [x, w, dy] = [variable('x', xs), variable('w', ws, 'hwio'), variable('dy', ys)];
    if (task.pass === 'forward') return of([x, w], { y: conv2d(x.tensor, w.tensor, undefined, attrs) });
    if (task.pass === 'input gradient') return of([dy, w], { dx: conv2dInputGrad(dy.tensor, w.tensor, xs, attrs) });
    return of([x, dy], { dw: conv2dWeightGrad(x.tensor, dy.tensor, ws, attrs) });
  },
  matmul({ size }) {
    const [a, b] = [variable('a', [size, size]), variable('b', [size, size])];
    return of([a, b], { y: matmul(a.tensor, b.tensor) });
  },
  'batch-norm'({ pass, batch, channels, side }) {
    const x = variable('x', [batch, channels, side, side]);
    const [weight, bias] = [variable('weight', [channels]), variable('bias', [channels])];
    const { y } = batchNormTrain(x.tensor, weight.tensor, bias.tensor);
    if (pass === 'forward') return of([x, weight, bias], { y });
    return gradients(y, variable('dy', [batch, channels, side, side]), { x, weight, bias });
  },
  'max-pool'({ pass, batch, channels, side }) {
    const shape = [batch, channels, side, side];
    const x = new Variable('x', shape, rectified(shape, 'x'), 'nhwc');
    const { kernel, stride, pad } = POOL;
    const y = maxPool2d(x.tensor, { kernel, stride, padding: pad });
    const out = pooledSide(side);
    return pass === 'forward' ? of([x], { y }) : gradients(y, variable('dy', [batch, channels, out, out]), { x });
  },
  reduction({ axes, batch, channels, side }) {
    const x = variable('x', [batch, channels, side, side]);
    return of([x], { y: sum(x.tensor, [...axes]) });
  },
  'cross-entropy'({ batch, classes }) {
    const logits = new Variable('logits', [batch, classes], noise(batch * classes, 'logits'));
    const loss = crossEntropy(logits.tensor, constant(targets(batch, classes)));
    return of([logits], { dlogits: grad(loss, [logits.tensor])[0]! });
  },
  dispatches({ count }) {
    const [x, y] = [variable('x', [SMALL]), variable('y', [SMALL])];
    let sum = x.tensor;
    for (let i = 0; i < count; i++) sum = add(sum, y.tensor);
    return of([x, y], { sum });
  },
};

export const timestamps = (engine: Engine): boolean => engine.gpuDevice.features.has('timestamp-query');

/** One element: what is read back is then next to nothing, and all of it is computed. */
const first = (t: Tensor): Tensor => (t.size === 1 ? t : slice(t, t.shape.map(() => 0), t.shape.map(() => 1))); // prettier-ignore

/** Undefined where the task is no single op. */
export async function layerEntry(engine: Engine, task: Task): Promise<Entry | undefined> {
  const build = builders[task.kind] as ((task: Task) => Work) | undefined;
  if (!build) return undefined;
  const { variables, outputs } = build(task);
  const timed = Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, first(t)]));
  // A chain of additions would be one dispatch, and it is the dispatches that are measured.
  const fuse = task.kind !== 'dispatches';
  const program = await engine.compile({ outputs: timed, updates: variables.map(touch), fuse });
  return {
    ...programEntry(program, {}, timestamps(engine)),
    outputs: () => engine.evaluate(outputs),
    dispose() {
      program.dispose();
      engine.release(variables);
    },
  };
}

/** Milliseconds by role and kernel. */
export function byKernel({ dispatches }: Profile): Record<string, number> {
  const parts: Record<string, number> = {};
  for (const { role, kernel, ms } of dispatches) parts[`${role}: ${kernel}`] = (parts[`${role}: ${kernel}`] ?? 0) + ms;
  return parts;
}

/** What of an entry follows from its program. */
export function programEntry(program: Program, feeds: Feeds, hasTimestamps: boolean) {
  return {
    run: () => program.run(feeds).then(() => undefined),
    figures() {
      const { dispatches, plannedBytes, flops } = program.stats;
      return { dispatches: Object.values(dispatches).reduce((a, b) => a + b), plannedBytes, flops };
    },
    gpu: () => (hasTimestamps ? program.profile(feeds, { rounds: 3 }).then(byKernel) : Promise.resolve(undefined)),
  };
}
