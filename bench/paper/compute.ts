/** What the plan of a layer means on a GPU: launched, moved, computed. From the plan alone. */
import { ranked } from '../../src/gemm/cost.ts';
import { launch, workgroupsOf } from '../../src/gemm/families.ts';
import type { Choice, GemmDevice } from '../../src/gemm/family.ts';
import {
  extentsOf,
  flopsOf,
  forwardProblem,
  inputGradProblem,
  weightGradProblem,
  type GemmProblem,
} from '../../src/gemm/problem.ts';
import { framed } from '../../src/ops/conv_channels.ts';
import { convAttrs, convGeometry } from '../../src/ops/conv_geometry.ts';
import { resnet50Layers } from '../cases/shapes.ts';
import type { ConvolutionPass } from '../core/case.ts';
import { coalescing, conflicts, loadsOf, sharedAccesses, tileOf } from './access.ts';
import type { Gpu } from './gpus.ts';

export interface LayerOnPaper {
  layer: string;
  pass: ConvolutionPass;
  /** Layers of the network that are alike. */
  count: number;
  tile: string;
  parts: number;
  dispatches: number;
  workgroups: number;
  /** Multiply-adds count two, on padded channels. */
  flops: number;
  /** Each operand and the result once. */
  leastBytes: number;
  /** What the workgroups ask for: each tile reads its rows and columns of the factors; caches spare memory some of it. */
  askedBytes: number;
  /** Shares of the moved sectors that are asked for. */
  coalescing: Readonly<Record<'a' | 'b', number>>;
  /** Turns of an access to workgroup memory; 1 is without conflict. */
  conflicts: Readonly<Record<string, number>>;
}

/** WebGPU's defaults: what every device grants. */
const device: GemmDevice = {
  limits: {
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeWorkgroupsPerDimension: 65535,
  },
  subgroup: 0,
  software: false,
};

const INVOCATIONS = 64;

function bytesOf(problem: GemmProblem, choice: Choice): { least: number; asked: number } {
  const { rows, n4 } = tileOf(problem.form, choice.tile);
  if (problem.form === 'tn') {
    const g = problem.geometry;
    const { m, n, k } = extentsOf(problem);
    const images = g.rows / g.oh;
    const factors = images * g.ah * g.aw * g.pixel4 * 16 + k * n * 4;
    const tiles = Math.ceil((g.m4 * 4) / rows) * g.taps_h * g.taps_w * Math.ceil(g.n4 / n4);
    return { least: factors + m * n * 4, asked: tiles * k * (rows + 4 * n4) * 4 + partial(m * n * 4, choice) };
  }
  const [first] = problem.phases as [(typeof problem.phases)[0]];
  const taps = problem.phases.reduce((sum, g) => sum + g.taps_h * g.taps_w, 0);
  const images = first.m / (first.qh * first.qw);
  const y = first.y4 * 16;
  const least = images * first.ah * first.aw * first.k4 * 16 + taps * first.run * 16 * first.n4 * 4 + y;
  const asked = problem.phases.reduce((sum, g) => {
    const tiles = Math.ceil(g.m / rows) * Math.ceil(g.n4 / n4);
    return sum + tiles * g.taps_h * g.taps_w * g.run * 4 * (rows + 4 * n4) * 4;
  }, 0);
  return { least, asked: asked + partial(y, choice) };
}

/** The result is written once, or in parts that another dispatch reads and adds up. */
const partial = (y: number, { parts }: Choice) => (parts === 1 ? y : (2 * parts + 1) * y);

export function layersOnPaper({ subgroup }: Gpu): LayerOnPaper[] {
  return resnet50Layers.flatMap(({ name, channels, filters, kernel, stride, side, count }) => {
    const pad = (kernel - 1) / 2;
    const g = convGeometry([1, channels, side, side], [filters, channels, kernel, kernel], convAttrs({ stride, padding: pad })); // prettier-ignore
    const problems: [ConvolutionPass, GemmProblem][] = [
      ['forward', forwardProblem(framed(g))],
      ['input gradient', inputGradProblem(g)],
      ['weight gradient', weightGradProblem(framed(g))],
    ];
    return problems.map(([pass, problem]): LayerOnPaper => {
      const choice = ranked(problem, device)[0]!;
      const passes = launch(problem, choice);
      const tile = tileOf(problem.form, choice.tile);
      const loads = loadsOf(problem, tile);
      const shared = Object.entries(sharedAccesses(problem.form, tile));
      const { least, asked } = bytesOf(problem, choice);
      return {
        layer: name,
        pass,
        count,
        tile: `${choice.family} ${choice.tile}`,
        parts: choice.parts,
        dispatches: passes.length,
        workgroups: workgroupsOf(passes[0]!),
        flops: flopsOf(problem),
        leastBytes: least,
        askedBytes: asked,
        coalescing: { a: coalescing(loads.a, subgroup), b: coalescing(loads.b, subgroup) },
        conflicts: Object.fromEntries(shared.map(([what, access]) => [what, conflicts(access, INVOCATIONS)])),
      };
    });
  });
}

/** Milliseconds that no kernel can beat: arithmetic or memory, whichever is slower. */
export const roofMs = ({ gflops, gbs }: Gpu, { flops, leastBytes }: LayerOnPaper): number =>
  Math.max(flops / gflops, leastBytes / gbs) / 1e6;

/** Milliseconds with what is launched: lanes that no invocation is left for stand idle in the last wave. */
export function launchedMs(gpu: Gpu, layer: LayerOnPaper): number {
  const waves = (layer.workgroups * INVOCATIONS) / gpu.lanes;
  return Math.max((layer.flops / gpu.gflops) * (Math.ceil(waves) / waves), layer.leastBytes / gpu.gbs) / 1e6;
}
