/** Every tile of every family against the register tiles, on shapes with odd edges; each split; the same bits again. */
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import { families, type Choices } from '../../src/gemm/choose.ts';
import type { Choice, GemmDevice } from '../../src/gemm/family.ts';
import type { ConvAttrs, ConvGeometry } from '../../src/gemm/geometry.ts';
import {
  forwardProblem,
  inputGradProblem,
  problemKey,
  weightGradProblem,
  type GemmProblem,
} from '../../src/gemm/problem.ts';
import { input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { convAttrs, convGeometry } from '../../src/ops/conv_geometry.ts';
import { conv2dInputGrad, conv2dWeightGrad } from '../../src/ops/conv2d_grad.ts';
import * as ops from '../../src/ops/index.ts';
import { adapters } from '../support/adapters.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';

interface Shape {
  name: string;
  x: number[];
  w: number[];
  attrs: Partial<ConvAttrs>;
}

const shapes: Shape[] = [
  { name: '1x1', x: [2, 36, 5, 3], w: [44, 36, 1, 1], attrs: {} },
  { name: '3x3, padded', x: [1, 20, 7, 9], w: [12, 20, 3, 3], attrs: { pads: [1, 1, 1, 1] } },
  {
    name: '3x3 stride 2, odd channels',
    x: [2, 5, 9, 8],
    w: [7, 5, 3, 3],
    attrs: { strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  { name: '1x1 stride 2', x: [1, 8, 7, 7], w: [36, 8, 1, 1], attrs: { strides: [2, 2] } },
  {
    name: '7x7 stride 2 of a picture',
    x: [1, 3, 15, 17],
    w: [40, 3, 7, 7],
    attrs: { strides: [2, 2], pads: [3, 3, 3, 3] },
  },
  { name: '5x3 stride 3, lopsided', x: [1, 6, 11, 9], w: [4, 6, 5, 3], attrs: { strides: [3, 3], pads: [2, 0, 1, 1] } },
  { name: 'dilated', x: [1, 8, 9, 8], w: [4, 8, 3, 3], attrs: { dilations: [2, 3], pads: [2, 3, 2, 3] } },
  {
    name: 'dilation and stride',
    x: [1, 4, 13, 12],
    w: [8, 4, 3, 3],
    attrs: { dilations: [3, 2], strides: [2, 4], pads: [3, 1, 2, 0] },
  },
  { name: 'stride beyond the kernel', x: [1, 4, 10, 11], w: [4, 4, 2, 2], attrs: { strides: [3, 4] } },
];

const passes: Record<string, (x: Tensor, w: Tensor, dy: Tensor, attrs: ConvAttrs) => Tensor> = {
  forward: (x, w, dy, attrs) => ops.relu(ops.add(conv2d(x, w, undefined, attrs), dy)),
  'input gradient': (x, w, dy, attrs) => ops.mask(ops.add(conv2dInputGrad(dy, w, x.shape, attrs), x), x),
  'weight gradient': (x, w, dy, attrs) => conv2dWeightGrad(x, dy, w.shape, attrs),
};

/** Runs `build` with `pick` in place of the cost model. */
async function computed(engine: Engine, y: Tensor, feeds: Record<string, Float32Array>, pick: Choices['of']) {
  const own = (engine as unknown as { choices: Choices }).choices;
  const of = own.of.bind(own);
  own.of = pick;
  try {
    const program = await engine.compile({ outputs: { y } });
    const needed = Object.fromEntries(Object.entries(feeds).filter(([name]) => program.plan.inputs.has(name)));
    const first = (await program.run(needed)).y;
    const again = (await program.run(needed)).y;
    program.dispose();
    return { first, again };
  } finally {
    own.of = of;
  }
}

const deviceOf = (engine: Engine): GemmDevice => (engine as unknown as { choices: Choices }).choices.device;

/** Each tile of each family, whole and with the sum in three parts. */
const candidates = (problem: GemmProblem, device: GemmDevice): Choice[] =>
  families.flatMap((f) => f.candidates(problem, device)).flatMap((c) => [c, { ...c, parts: 3 }]);

// The first shape compiles all of them: seconds on an idle machine, more on a busy one.
describe.each(adapters)('on %s', { timeout: 300_000 }, (_, engine) => {
  it.each(shapes)('$name', async ({ x, w, attrs }) => {
    const conv = convAttrs(attrs);
    const g = convGeometry(x, w, conv);
    const y = [g.n, g.co, g.oh, g.ow];
    const inputs = [input('x', x), input('w', w), input('dy', y)] as const;
    const feeds = Object.fromEntries(inputs.map((t, i) => [t.node.attrs.name, spread(t.size, i + 1)]));
    for (const [pass, build] of Object.entries(passes)) {
      const out = build(...inputs, conv);
      const tile = { family: 'tile', tile: '8x2', parts: 1 };
      const expected = await computed(engine, out, feeds, () => tile);
      let all: Choice[] = [];
      await computed(engine, out, feeds, (problem) => {
        all = candidates(problem, deviceOf(engine));
        return tile;
      });
      expect(all.length).toBeGreaterThan(2);
      for (const choice of all) {
        const { first, again } = await computed(engine, out, feeds, () => choice);
        const what = `${pass}, ${Object.values(choice).join(' ')}`;
        expect(compare(first, expected.first).maxRel, what).toBeLessThan(tolerance.op);
        expect(again, what).toEqual(first);
      }
    }
  });
});

describe('problems', () => {
  const geometry = (k: number, stride: number, pad: number): ConvGeometry =>
    convGeometry([1, 8, 9, 9], [4, 8, k, k], convAttrs({ stride, padding: pad }));

  it('input gradients of stride 2 are four phases with 1, 2, 2 and 4 of nine taps, none with a zero in between', () => {
    const { phases } = inputGradProblem(geometry(3, 2, 1));
    expect(phases.map((p) => p.taps_h * p.taps_w)).toEqual([1, 2, 2, 4]);
    expect(phases.reduce((n, p) => n + p.m, 0)).toBe(81);
  });

  it('a phase that no tap reaches has none', () => {
    const { phases } = inputGradProblem(geometry(1, 2, 0));
    expect(phases.map((p) => p.taps_h * p.taps_w)).toEqual([1, 0, 0, 0]);
  });

  it('equal problems have equal keys, others have not', () => {
    const g = geometry(3, 1, 1);
    expect(problemKey(forwardProblem(g))).toBe(problemKey(forwardProblem({ ...g })));
    const keys = [forwardProblem(g), forwardProblem(g, ['relu']), inputGradProblem(g), weightGradProblem(g)].map(
      problemKey,
    );
    expect(new Set(keys).size).toBe(4);
  });
});
