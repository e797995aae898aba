/** Every tile of every family against the register tiles, on shapes with odd edges; each split; the same bits again. */
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import type { Choices } from '../../src/gemm/choose.ts';
import { ranked } from '../../src/gemm/cost.ts';
import { families, launch, workgroupsOf } from '../../src/gemm/families.ts';
import type { Choice, GemmDevice, Pass } from '../../src/gemm/family.ts';
import type { ConvAttrs, ConvGeometry } from '../../src/gemm/geometry.ts';
import {
  forwardProblem,
  inputGradProblem,
  problemKey,
  weightGradProblem,
  type GemmProblem,
} from '../../src/gemm/problem.ts';
import { gemmWorkgroup, gemmWorkgroupOuter } from '../../src/gpu/kernels.gen.ts';
import { input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { framed } from '../../src/ops/conv_channels.ts';
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

/** Larger workgroup tiles are the same source with longer loops, which take software adapters many seconds to compile. */
const everyTile = process.env['WGRAD_EVERY_TILE'] === '1';

/** Each tile of each family, whole and with the sum in three parts. */
const candidates = (problem: GemmProblem, device: GemmDevice): Choice[] =>
  families
    .flatMap((f) =>
      f.name === 'workgroup' && !everyTile ? f.candidates(problem, device).slice(0, 1) : f.candidates(problem, device),
    )
    .flatMap((c) => [c, { ...c, parts: 3 }]);

// The first shape compiles all of them: seconds on an idle machine, more on a busy one.
describe.each(adapters)('on %s', { timeout: 900_000 }, (_, engine) => {
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

/** Every convolution of ResNet-50 (torchvision: the stride on the 3x3) and its linear layer, at batch 1. */
const resnet50: [name: string, x: number[], w: number[], attrs: Partial<ConvAttrs>][] = [
  ['conv1', [1, 3, 224, 224], [64, 3, 7, 7], { strides: [2, 2], pads: [3, 3, 3, 3] }],
  ...[64, 128, 256, 512].flatMap((width, stage): (typeof resnet50)[number][] => {
    const [side, before] = [56 >> stage, stage === 0 ? 64 : width * 2];
    const from = stage === 0 ? side : side * 2;
    const stride = stage === 0 ? 1 : 2;
    const name = `layer${stage + 1}`;
    return [
      [`${name}.0.conv1`, [1, before, from, from], [width, before, 1, 1], {}],
      [
        `${name}.0.conv2`,
        [1, width, from, from],
        [width, width, 3, 3],
        { strides: [stride, stride], pads: [1, 1, 1, 1] },
      ],
      [`${name}.0.downsample`, [1, before, from, from], [width * 4, before, 1, 1], { strides: [stride, stride] }],
      [`${name}.conv1`, [1, width * 4, side, side], [width, width * 4, 1, 1], {}],
      [`${name}.conv2`, [1, width, side, side], [width, width, 3, 3], { pads: [1, 1, 1, 1] }],
      [`${name}.conv3`, [1, width, side, side], [width * 4, width, 1, 1], {}],
    ];
  }),
  ['fc', [1, 2048, 1, 1], [1000, 2048, 1, 1], {}],
];

describe('on a physical GPU', () => {
  const device: GemmDevice = {
    limits: {
      maxComputeInvocationsPerWorkgroup: 256,
      maxComputeWorkgroupStorageSize: 16384,
      maxComputeWorkgroupsPerDimension: 65535,
    },
    subgroup: 0,
    software: false,
  };

  it.each(resnet50)('%s launches 64 workgroups and more of 16-byte lanes, in all passes', (_, x, w, attrs) => {
    const g = convGeometry(x, w, convAttrs(attrs));
    for (const problem of [forwardProblem(framed(g)), inputGradProblem(g), weightGradProblem(framed(g))]) {
      const choice = ranked(problem, device)[0]!;
      expect(choice.family).toBe('workgroup');
      const [pass] = launch(problem, choice) as [Pass];
      expect(workgroupsOf(pass), `${problem.form} ${choice.tile}, ${choice.parts} parts`).toBeGreaterThanOrEqual(64);
    }
  });

  it('its kernels read factors and write results as whole 16-byte lanes, and keep within 16 KB of workgroup memory', async () => {
    for (const kernel of [...Object.values(gemmWorkgroup), ...Object.values(gemmWorkgroupOuter)]) {
      const code = `${kernel.code}\n${await kernel.body()}`;
      for (const name of ['a', 'b', 'y'])
        expect(code).toMatch(new RegExp(`var<storage,read(_write)?>${name}:array<(vec4f|B)>`));
      // In full precision: half floats are read eight bytes a lane.
      if (code.includes('array<B>')) expect(code).toContain('alias B=vec4f;');
      const [rows, groups] = kernel.name.split(' ')[1]!.split('x').map(Number) as [number, number];
      const outer = kernel.name.includes('outer');
      const lanes = outer ? 16 * 8 * (rows + groups) : 8 * rows * 4 + 8 * groups * 4 * 4;
      expect(2 * 16 * lanes).toBeLessThanOrEqual(16384);
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
