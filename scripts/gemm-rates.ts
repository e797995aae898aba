/**
 * GFLOP/s of every kernel that fits some layers of ResNet-50 on a software adapter, for two cores:
 *
 *   WGRAD_ADAPTER=lavapipe npx tsx scripts/gemm-rates.ts [LAYER-REGEXP [KERNEL-REGEXP]]
 *
 * Time is that of the driver's threads on a processor (Linux: /proc), so that it holds on a busy machine too; the least
 * of five. What differs from the register tiles is marked.
 */
import type { Choices } from '../src/gemm/choose.ts';
import { ranked } from '../src/gemm/cost.ts';
import { launch } from '../src/gemm/families.ts';
import { errorOf, Workbench } from '../src/gemm/measure.ts';
import {
  flopsOf,
  forwardProblem,
  inputGradProblem,
  matrixGeometry,
  weightGradProblem,
  type GemmProblem,
} from '../src/gemm/problem.ts';
import { reference } from '../src/gemm/tile.ts';
import { TOLERANCE, type TuneRuntime } from '../src/gemm/tune.ts';
import { createEngine } from '../src/node/index.ts';
import { convAttrs, convGeometry } from '../src/ops/conv_geometry.ts';
import { driverTime } from './processor_time.ts';

const CORES = 2;

const convolutions: [name: string, input: number, output: number, side: number, kernel: number, stride: number][] = [
  ['3x3 64 @56', 64, 64, 56, 3, 1],
  ['3x3 128 @28', 128, 128, 28, 3, 1],
  ['3x3 256 @14', 256, 256, 14, 3, 1],
  ['3x3 512 @7', 512, 512, 7, 3, 1],
  ['3x3/2 128 @56', 128, 128, 56, 3, 2],
  ['1x1 64-256 @56', 64, 256, 56, 1, 1],
  ['1x1 1024-256 @14', 1024, 256, 14, 1, 1],
  ['1x1/2 256-512 @56', 256, 512, 56, 1, 2],
  ['7x7/2 4-64 @224', 4, 64, 224, 7, 2],
];

/** One of the 16 or 36 products of Winograd's F(2x2,3x3) and F(4x4,3x3) for the 3x3 layers above: rows, inner, columns. */
const winograd: [name: string, rows: number, channels: number][] = [
  ['F(2x2) 64 @56', 784, 64],
  ['F(2x2) 128 @28', 196, 128],
  ['F(2x2) 256 @14', 49, 256],
  ['F(2x2) 512 @7', 16, 512],
  ['F(4x4) 64 @56', 196, 64],
  ['F(4x4) 128 @28', 49, 128],
  ['F(4x4) 256 @14', 16, 256],
  ['F(4x4) 512 @7', 4, 512],
];

const problems: [string, GemmProblem][] = [
  ...convolutions.flatMap(([name, ci, co, side, k, stride]): [string, GemmProblem][] => {
    const padding = (k - 1) / 2;
    const g = convGeometry([1, ci, side, side], [co, ci, k, k], convAttrs({ stride, padding }));
    return [
      [`${name}, forward`, forwardProblem(g)],
      [`${name}, input gradient`, inputGradProblem(g)],
      [`${name}, weight gradient`, weightGradProblem(g)],
    ];
  }),
  ...winograd.map(([name, rows, c]): [string, GemmProblem] => [name, forwardProblem(matrixGeometry(rows, c, c))]),
];

const [layers = '', kernels = ''] = process.argv.slice(2);
const engine = await createEngine({ log: console.log, tuning: { mode: 'off' } });
const { choices, runtime } = engine as unknown as { choices: Choices; runtime: TuneRuntime };
for (const [name, problem] of problems) {
  if (!new RegExp(layers).test(name)) continue;
  const bench = new Workbench(runtime.device, runtime.pipelines, problem);
  const expected = await bench.result(await bench.prepare(launch(problem, reference)));
  const cells: string[] = [];
  for (const choice of ranked(problem, choices.device)) {
    const label = `${choice.family} ${choice.tile}${choice.parts > 1 ? ` / ${choice.parts}` : ''}`;
    if (choice.family === 'workgroup' || !new RegExp(kernels).test(label)) continue;
    const prepared = await bench.prepare(launch(problem, choice));
    const error = errorOf(await bench.result(prepared), expected);
    const repeats = Math.max(1, Math.ceil(20 / (await bench.time(prepared, 1))));
    let least = Infinity;
    for (let i = 0; i < 5; i++) {
      const before = driverTime();
      await bench.time(prepared, repeats);
      least = Math.min(least, (driverTime() - before) / repeats);
    }
    const rate = ((CORES * flopsOf(problem)) / least / 1e6).toFixed(1);
    cells.push(`${label}: ${rate}${error <= TOLERANCE ? '' : ` WRONG by ${error.toExponential(1)}`}`);
  }
  bench.dispose();
  console.log(`${name.padEnd(36)} ${cells.join('  ')}`);
}
process.exit(0);
