/** What a Program promises: pruning, hoisting, fusion, determinism, memory, errors. Counted, not timed. */
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { Engine } from '../../src/engine.ts';
import { constant, input, Variable } from '../../src/graph/leaves.ts';
import * as ops from '../../src/ops/index.ts';
import { atOnce } from '../../src/pace.ts';
import { memoryLowerBound, planMemory } from '../../src/plan/memory.ts';
import { Random } from '../../src/random.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';

const variable = (name: string, shape: number[], layout: 'row' | 'hwio' = 'row') =>
  new Variable(
    name,
    shape,
    spread(
      shape.reduce((a, b) => a * b, 1),
      name.length,
    ),
    layout,
  );

/** conv, frozen BatchNorm, residual add, ReLU; then a linear head. */
function block() {
  const x = input('x', [2, 4, 6, 6]);
  const w = variable('w', [4, 4, 3, 3], 'hwio');
  const [weight, bias, mean] = ['a', 'bb', 'ccc'].map((n) => variable(n, [4]));
  const spreadOut = new Variable('var', [4], Float32Array.of(1, 2, 0.5, 1));
  const head = variable('head', [4, 3]);
  const tensors = { weight: weight!.tensor, bias: bias!.tensor, mean: mean!.tensor, variance: spreadOut.tensor };
  const y = ops.relu(ops.add(ops.batchNorm(ops.conv2d(x, w.tensor, undefined, { pads: [1, 1, 1, 1] }), tensors), x));
  const logits = ops.matmul(ops.mean(y, [2, 3]), head.tensor);
  return { x, w, head, y, logits, weight: weight! };
}

const feeds = { x: spread(2 * 4 * 6 * 6) };

describe('grad prunes by construction', () => {
  it('builds no convolution gradient for the head alone', async () => {
    const { logits, head } = block();
    const [g] = grad(ops.sum(ops.square(logits)), [head.tensor]);
    const program = await (await testEngine()).compile({ outputs: { g: g! } });
    expect(program.stats.ops).not.toHaveProperty('conv2d_input_grad');
    expect(program.stats.ops).not.toHaveProperty('conv2d_weight_grad');
    expect(program.stats.dispatches['weight-gradient']).toBeGreaterThan(0);
    program.dispose();
  });

  it('builds no weight gradient for the input alone', async () => {
    const { logits, x } = block();
    const [g] = grad(ops.sum(ops.square(logits)), [x]);
    const program = await (await testEngine()).compile({ outputs: { g: g! } });
    expect(program.stats.dispatches['weight-gradient']).toBe(0);
    expect(program.stats.ops['conv2d_input_grad']).toBe(1);
    program.dispose();
  });

  it('is zero where the output does not depend on the tensor', async () => {
    const [x, other] = [input('x', [3]), variable('other', [2])];
    const [g] = grad(ops.sum(x), [other.tensor]);
    expect([...(await (await testEngine()).evaluate({ g: g! })).g]).toEqual([0, 0]);
  });

  it('needs a scalar or a seed', () => {
    expect(() => grad(input('x', [2, 2]), [])).toThrow(expect.objectContaining({ code: 'shape' }));
  });

  it('takes replaced rules', async () => {
    const x = input('x', [3]);
    const rules = {
      relu: (_: unknown, [g]: readonly (ReturnType<typeof input> | undefined)[]) => [() => ops.relu(g!)],
    };
    const seed = constant([1, -1, 2]);
    const [g] = grad(ops.relu(x), [x], { seed, rules });
    expect([
      ...(await (await testEngine()).evaluate({ g: g! }, { x: [-1, -1, -1] }).catch(() => ({ g: [NaN] }))).g,
    ]).toEqual([NaN]);
    expect([...(await (await testEngine()).evaluate({ g: g! })).g]).toEqual([1, 0, 2]);
  });
});

describe('fusion', () => {
  it('puts BatchNorm, residual and ReLU behind the convolution in one pass', async () => {
    const { y } = block();
    const program = await (await testEngine()).compile({ outputs: { y } });
    expect(program.stats.ops).toEqual({ batch_norm_fold: 1, conv2d: 1 });
    program.dispose();
  });

  it('gives the values that unfused nodes give', async () => {
    const engine = await testEngine();
    const { y, logits, x } = block();
    const chain = [
      y.node.inputs[0]!,
      y.node.inputs[0]!.node.inputs[0]!,
      y.node.inputs[0]!.node.inputs[0]!.node.inputs[0]!,
    ];
    const [g] = grad(ops.sum(ops.square(logits)), [x]);
    const fused = await engine.evaluate({ y, g: g! }, feeds);
    // Values that are asked for may not be fused away.
    const kept = Object.fromEntries(chain.map((t, i) => [`kept${i}`, t]));
    const unfused = await engine.evaluate<string>({ y, g: g!, ...kept }, feeds);
    expect(compare(fused.y, unfused['y']!).maxRel).toBeLessThan(tolerance.op);
    expect(compare(fused.g, unfused['g']!).maxRel).toBeLessThan(tolerance.op);
    const before = unfused['kept0']!;
    expect([...unfused['y']!]).toEqual([...before].map((v) => Math.max(0, v)));
  });
});

describe('frozen values are computed once', () => {
  it('and again after a variable was written', async () => {
    const engine = await testEngine();
    const v = new Variable('v', [2], Float32Array.of(1, 2));
    const program = await engine.compile({ outputs: { y: ops.mul(ops.exp(v.tensor), input('x', [2])) } });
    expect(program.stats.hoisted).toBe(1);
    const first = await program.run({ x: [1, 1] });
    await engine.write(v, Float32Array.of(0, 0));
    const second = await program.run({ x: [1, 1] });
    expect(first.y[1]).toBeCloseTo(Math.exp(2), 4);
    expect([...second.y]).toEqual([1, 1]);
    program.dispose();
  });
});

describe('a program', () => {
  it('gives the same bits on every run, also when runs are not awaited one by one', async () => {
    const { logits, x } = block();
    const [g] = grad(ops.sum(ops.square(logits)), [x]);
    const program = await (await testEngine()).compile({ outputs: { logits, g: g! } });
    const runs = await Promise.all(Array.from({ length: 4 }, () => program.run(feeds)));
    for (const run of runs) expect(run).toEqual(runs[0]);
    program.dispose();
  });

  it('says what is wrong with its feeds', async () => {
    const program = await (await testEngine()).compile({ outputs: { y: ops.exp(input('x', [2])) } });
    await expect(program.run({})).rejects.toMatchObject({ code: 'missing-feed' });
    await expect(program.run({ x: [1, 2, 3] })).rejects.toMatchObject({ code: 'shape' });
    await expect(program.run({ x: [1, 2], z: 1 })).rejects.toMatchObject({ code: 'unknown-name' });
    expect((await program.run({ x: [0, 0] })).y).toEqual(Float32Array.of(1, 1));
    program.dispose();
    await expect(program.run({ x: [1, 2] })).rejects.toMatchObject({ code: 'disposed' });
  });

  it('gives its memory back', async () => {
    const engine = await testEngine();
    const before = engine.memory;
    const x = input('x', [64]);
    const program = await engine.compile({ outputs: { y: ops.exp(ops.square(x)) } });
    await program.run({ x: new Float32Array(64) });
    expect(engine.memory.bytes).toBeGreaterThan(before.bytes);
    program.dispose();
    await expect.poll(() => engine.memory).toEqual(before);
  });

  it('keeps NaN through ReLU', async () => {
    const { y } = await (await testEngine()).evaluate({ y: ops.relu(input('x', [4])) }, { x: [NaN, -1, 2, -0] });
    expect([...y]).toEqual([NaN, 0, 2, 0]);
  });

  it('refuses what the adapter cannot hold before allocating', async () => {
    const engine = await testEngine();
    const side = Math.ceil(Math.sqrt(engine.limits.maxStorageBufferBindingSize / 4)) + 8;
    const huge = ops.broadcastTo(ops.exp(input('x', [1])), [side, side]);
    const before = engine.memory;
    await expect(engine.compile({ outputs: { y: ops.sum(huge) } })).rejects.toMatchObject({ code: 'limit-exceeded' });
    expect(engine.memory).toEqual(before);
  });

  it('refuses a batch that is too large at once, naming the bytes and one that fits', async () => {
    const engine = await testEngine();
    const most = engine.limits.maxStorageBufferBindingSize;
    const y = (batch: number) => ops.relu(ops.exp(input('x', [batch, 3, 224, 224])));
    const picture = 4 * 3 * 224 * 224;
    const fits = Math.floor(most / picture);
    const before = engine.memory;
    await expect(engine.compile({ outputs: { y: y(2 * fits) } })).rejects.toMatchObject({
      code: 'limit-exceeded',
      message: expect.stringContaining(`alone ${((2 * fits * picture) / 1e6).toFixed(0)} MB`),
      remedy: `A batch of ${fits} fits, one of ${2 * fits} does not`,
    });
    expect(engine.memory).toEqual(before);
    // More elements than kernels can count.
    expect(() => y(200_000)).toThrow(
      expect.objectContaining({ code: 'limit-exceeded', remedy: expect.stringMatching(/14266/) }),
    );
  });

  it('refuses what goes beyond the memory that the engine may take', async () => {
    const engine = await Engine.create({ device: (await testEngine()).gpuDevice, memoryLimit: 1_000_000 });
    const request = (batch: number) => ({ outputs: { y: ops.relu(ops.exp(input('x', [batch, 1000]))) } });
    await expect(engine.compile(request(150))).rejects.toMatchObject({
      code: 'out-of-memory',
      remedy: 'A batch of 62 fits, one of 150 does not',
    });
    expect(engine.memory.bytes).toBe(0);
    const v = new Variable('v', [1_000_000], 'zeros');
    await expect(engine.write(v, new Float32Array(1_000_000))).rejects.toMatchObject({ code: 'out-of-memory' });
    const program = await engine.compile(request(62));
    expect((await program.run({ x: new Float32Array(62_000) })).y[0]).toBe(1);
    await engine.dispose();
  });
});

describe('memory plan', () => {
  it('keeps what is alive together apart, and what is read from what is written; stays near the lower bound', () => {
    const random = new Random('memory');
    for (let round = 0; round < 30; round++) {
      const lifetimes = Array.from({ length: 40 }, () => {
        const first = random.int(60);
        const last = first + random.int(6);
        const uses = new Set([first, last, first + random.int(1 + last - first)]);
        return { bytes: 65536 * (1 + random.int(64)), first, last, uses, writes: new Set([first]) };
      });
      const { slots, places } = atOnce(planMemory(lifetimes));
      lifetimes.forEach((a, i) => {
        const at = places[i]!;
        expect(at.offset % 256).toBe(0);
        expect(at.offset + a.bytes).toBeLessThanOrEqual(slots[at.slot]!);
        lifetimes.forEach((b, k) => {
          if (k <= i || at.slot !== places[k]!.slot || a.last < b.first || b.last < a.first) return;
          const other = places[k]!.offset;
          expect(at.offset + a.bytes <= other || other + b.bytes <= at.offset).toBe(true);
          for (const step of a.uses) {
            if (b.uses.has(step)) expect(a.writes.has(step)).toBe(b.writes.has(step));
          }
        });
      });
      const total = slots.reduce((a, b) => a + b, 0);
      const bound = memoryLowerBound(lifetimes);
      expect(total).toBeGreaterThanOrEqual(bound);
      expect(total).toBeLessThan(1.5 * bound);
    }
  });

  it('what only the values hoisted out of a run need is not kept', async () => {
    const v = variable('v', [64, 1024]);
    const twice = ops.tanh(ops.softmax(ops.tanh(v.tensor), 1));
    const engine = await testEngine();
    const program = await engine.compile({ outputs: { y: ops.add(ops.sum(twice), input('x', [])) } });
    expect(program.stats.hoisted).toBeGreaterThanOrEqual(4);
    expect(program.stats.staticBytes).toBeLessThan(1024);
    const { y } = await program.run({ x: [1] });
    expect((await program.run({ x: [1] })).y).toEqual(y);
    await engine.write(v, new Float32Array(v.tensor.size));
    expect((await program.run({ x: [1] })).y[0]).toBeCloseTo(1 + 64 * 1024 * Math.tanh(1 / 1024), 3);
    program.dispose();
    engine.release([v]);
  });
});
