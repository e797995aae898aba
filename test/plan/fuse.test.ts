/** Fusion changes how many passes there are, never what comes out: counted, and compared with every node by itself. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { input, Variable } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';

const C = 4;

const variable = (name: string, shape: number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return new Variable(name, shape, spread(size, name.length), shape.length === 4 ? 'hwio' : 'row').tensor;
};

/** Frozen or trained by what is asked for: nothing here knows. */
function layers(channels: number) {
  const shape = [2, channels, 5, 6];
  const x = input('x', shape);
  let serial = 0;
  const vector = () => variable('v'.repeat(++serial), [channels]);
  const conv = (t: Tensor, groups = 1, bias?: Tensor) => {
    const w = variable('w'.repeat(++serial), [channels, channels / groups, 3, 3]);
    return ops.conv2d(t, w, bias, { pads: [1, 1, 1, 1], groups });
  };
  const norm = (t: Tensor) => {
    const [weight, bias, mean] = [vector(), vector(), vector()];
    return ops.batchNorm(t, { weight, bias, mean, variance: ops.affine(ops.square(vector()), 1, 0.5) });
  };
  const trainNorm = (t: Tensor) => ops.batchNormTrain(t, vector(), vector()).y;
  return { x, vector, conv, norm, trainNorm };
}

type Layers = ReturnType<typeof layers>;

const relu = ops.relu;

interface Case {
  build: (l: Layers) => Record<string, Tensor>;
  /** Graph nodes that are left, apart from what is hoisted or free. */
  left: Record<string, number>;
}

const forward: Record<string, Case> = {
  'conv, ReLU': { build: ({ x, conv }) => ({ y: relu(conv(x)) }), left: { conv2d: 1 } },
  'conv, bias, BatchNorm, ReLU': {
    build: ({ x, conv, norm, vector }) => ({ y: relu(norm(conv(x, 1, vector()))) }),
    // bias * scale + shift, once.
    left: { conv2d: 1, mul: 1, add: 1 },
  },
  'conv, BatchNorm, + a branch that is computed after it': {
    build: ({ x, conv, norm }) => ({ y: relu(ops.add(norm(conv(x)), norm(conv(x)))) }),
    left: { conv2d: 2 },
  },
  'two blocks with an identity branch': {
    build: ({ x, conv, norm }) => {
      const first = relu(ops.add(norm(conv(relu(norm(conv(x))))), x));
      return { y: relu(ops.add(first, norm(conv(first)))) };
    },
    left: { conv2d: 3 },
  },
  'grouped conv, BatchNorm, residual, ReLU': {
    build: ({ x, conv, norm }) => ({ y: relu(ops.add(norm(conv(x, C)), x)) }),
    left: { conv2d: 1, elementwise: 1 },
  },
  'BatchNorm of the batch, residual, ReLU': {
    build: ({ x, conv, trainNorm }) => ({ y: relu(ops.add(x, trainNorm(conv(x)))) }),
    left: { conv2d: 1, batch_norm_stats: 1, elementwise: 1 },
  },
  'BatchNorm alone, ReLU (pre-activation)': {
    build: ({ x, norm }) => ({ y: relu(norm(x)) }),
    left: { elementwise: 1 },
  },
  'a value that is asked for': {
    build: ({ x, conv, norm }) => {
      const asked = norm(conv(x));
      return { y: relu(asked), asked };
    },
    left: { conv2d: 1, relu: 1 },
  },
  'a value with two readers': {
    build: ({ x, conv, norm }) => {
      const twice = conv(x);
      return { y: ops.add(relu(norm(twice)), ops.tanh(twice)) };
    },
    left: { conv2d: 1, elementwise: 1, tanh: 1 },
  },
  'steps in any order: ReLU, + a branch, BatchNorm': {
    build: ({ x, conv, norm }) => ({ y: norm(ops.add(relu(conv(x)), x)) }),
    left: { conv2d: 1 },
  },
  'a second step of a kind stays apart': {
    build: ({ x, conv, norm }) => ({ y: relu(norm(norm(conv(x)))) }),
    left: { conv2d: 1, elementwise: 1 },
  },
  'a bias for each channel that is added later': {
    build: ({ x, conv, vector }) => ({ y: relu(ops.add(conv(x), ops.reshape(vector(), [-1, 1, 1]))) }),
    left: { conv2d: 1 },
  },
  'a value added to itself': {
    build: ({ x, conv }) => {
      const y = conv(x);
      return { y: ops.add(y, y) };
    },
    left: { conv2d: 1, add: 1 },
  },
  'a residual that broadcasts': {
    build: ({ x, conv }) => ({ y: ops.add(conv(x), ops.mean(x, [2, 3], true)) }),
    left: { conv2d: 1, sum: 1, add: 1 },
  },
};

/** The gradient of a residual network with respect to its input, or to its second convolution and BatchNorm. */
function network({ x, conv, norm, vector }: Layers, of: 'input' | 'weights') {
  const first = relu(norm(conv(x)));
  const middle = conv(first);
  const second = relu(norm(middle));
  const y = relu(ops.add(norm(conv(second)), first));
  const loss = ops.sum(ops.mul(ops.square(y), ops.reshape(vector(), [-1, 1, 1])));
  const bnWeight = second.node.inputs[0]!.node.inputs[1]!;
  const wanted = of === 'input' ? [x] : [middle.node.inputs[1]!, bnWeight];
  return Object.fromEntries(grad(loss, wanted).map((g, i) => [`g${i}`, g]));
}

const free = ['reshape', 'batch_norm_fold', 'affine', 'square', 'broadcast_to', 'input', 'constant'];

async function both(outputs: Record<string, Tensor>, channels: number) {
  const engine = await testEngine();
  const feeds = { x: spread(2 * channels * 30) };
  const run = async (fuse: boolean) => {
    const program = await engine.compile<string>({ outputs, fuse });
    const values = await program.run(feeds);
    program.dispose();
    return { stats: program.stats, values };
  };
  const [fused, single] = [await run(true), await run(false)];
  for (const name of Object.keys(outputs)) {
    expect(compare(fused.values[name]!, single.values[name]!).maxRel, name).toBeLessThan(tolerance.op);
    expect(single.values[name]!.some((v) => v !== 0)).toBe(true);
  }
  return { fused: fused.stats, single: single.stats };
}

const passes = (stats: { dispatches: Record<string, number> }) =>
  Object.values(stats.dispatches).reduce((a, b) => a + b, 0);

describe('forward', () => {
  it.each(Object.entries(forward))('%s', async (_, { build, left }) => {
    const { fused } = await both(build(layers(C)), C);
    const counted = Object.entries(fused.ops).filter(([name]) => !free.includes(name));
    expect(Object.fromEntries(counted)).toEqual(left);
  });

  it.each([3, 5])('the same values with %i channels', async (channels) => {
    const l = layers(channels);
    await both({ y: relu(ops.add(l.norm(l.conv(relu(l.trainNorm(l.conv(l.x))))), l.x)) }, channels);
  });
});

describe('backward', () => {
  it.each([4, 3])('of the input: every link is taken, with %i channels', async (channels) => {
    const { fused, single } = await both(network(layers(channels), 'input'), channels);
    expect(passes(fused)).toBeLessThan(passes(single));
    // The last block's mask has two readers, the branches; what comes out of both goes through one mask and scale.
    expect(fused.ops).toMatchObject({ conv2d: 3, conv2d_input_grad: 3, elementwise: 1 });
    // Whole groups of four channels leave one bit an element for each ReLU.
    expect(fused.ops['positive_bits'] ?? 0).toBe(channels % 4 === 0 ? 3 : 0);
    expect(fused.ops).not.toHaveProperty('relu');
    expect(fused.ops).not.toHaveProperty('batch_norm');
  });

  it.each([4, 3])('of weights: the needed values stay, with %i channels', async (channels) => {
    const { fused, single } = await both(network(layers(channels), 'weights'), channels);
    expect(fused.ops).toMatchObject({ conv2d: 3, elementwise: 2, conv2d_input_grad: 1, conv2d_weight_grad: 1 });
    expect(fused.ops).not.toHaveProperty('relu');
    expect(passes(fused)).toBeLessThan(passes(single));
  });

  it('ReLU mask and BatchNorm scale are one pass, also without a convolution before', async () => {
    const { x, norm } = layers(C);
    const [g] = grad(relu(norm(x)), [x], { seed: ops.tanh(x) });
    const { fused, single } = await both({ g: g! }, C);
    expect(fused.ops).toMatchObject({ elementwise: 2 });
    expect(fused.dispatches['input-gradient']).toBe(single.dispatches['input-gradient'] - 1);
  });
});

describe('masks as bits', () => {
  it('a gradient holds a bit for each ReLU, not its output, and has the same values', async () => {
    const build = () => {
      const { x, conv, norm } = layers(32);
      let y = x;
      for (let i = 0; i < 8; i++) y = relu(norm(conv(y)));
      return { g: grad(ops.sum(y), [x])[0]! };
    };
    const { fused } = await both(build(), 32);
    const activation = 2 * 32 * 30 * 4;
    expect(fused.ops['positive_bits']).toBe(8);
    expect(fused.plannedBytes).toBeLessThan(4 * activation);
  });

  it('a value that is asked for is not packed', async () => {
    const { x, conv } = layers(C);
    const middle = relu(conv(x));
    const [g] = grad(ops.sum(relu(conv(middle))), [x]);
    const { fused } = await both({ g: g!, middle }, C);
    expect(fused.ops['positive_bits']).toBe(1);
  });
});

describe('NaN', () => {
  it.each([true, false])('goes through BatchNorm and ReLU, fused: %s', async (fuse) => {
    const { x, norm } = layers(C);
    const program = await (await testEngine()).compile({ outputs: { y: relu(norm(x)) }, fuse });
    const data = spread(x.size);
    data[7] = NaN;
    const { y } = await program.run({ x: data });
    expect([...y].flatMap((v, i) => (Number.isNaN(v) ? [i] : []))).toEqual([7]);
    program.dispose();
  });
});
