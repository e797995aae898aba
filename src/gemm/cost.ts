/** The cost model: ranks what fits a problem without measuring anything. Tuning (tune.ts) corrects it. */
import { families, launch, workgroupsOf } from './families.ts';
import type { Choice, GemmDevice } from './family.ts';
import { extentsOf, type GemmProblem } from './problem.ts';

/**
 * GFLOP/s of whole tiles on plain products: on software adapters as measured on lavapipe (8 lanes) and SwiftShader
 * (4 lanes), on physical GPUs by how many products a tile has for each value that it loads. Only their ratios matter.
 */
const rates: Readonly<Record<'software' | 'physical', Readonly<Record<string, number>>>> = {
  software: {
    'subgroup 8x8x1': 34,
    'subgroup 8x16x1': 43,
    'subgroup 8x16': 43,
    'subgroup 8x32': 60,
    'subgroup 4x8x1': 5.2,
    'subgroup 4x16x1': 6.1,
    'subgroup 4x16x2': 7,
    'subgroup 4x16': 5.4,
    'subgroup 4x32': 6.4,
    'narrow 8x8': 17,
    'narrow 4x8': 3.1,
    'tile 8x2': 3,
  },
  physical: {
    'workgroup 4x1': 16,
    'workgroup 8x1': 21,
    'workgroup 8x2': 32,
    'workgroup 1x1': 16,
    'workgroup 2x1': 21,
    'workgroup 2x2': 32,
  },
};

/** Of what the table does not name: behind everything that it does. */
const LEAST = 0.5;

/** Workgroups that keep a device busy: several for every core. */
const wantedWorkgroups = (device: GemmDevice) => (device.software ? 32 : 256);

/** What a sum can be shared out by: lines of pixels, or groups of four summands under a tap. */
const summands = (problem: GemmProblem) => (problem.form === 'tn' ? problem.geometry.rows : problem.phases[0]!.run);

const countOf = (problem: GemmProblem, choice: Choice) => workgroupsOf(launch(problem, { ...choice, parts: 1 })[0]!);

/** The choice with its sum in about `wanted` parts, all of one length but the last, none empty. */
export function inParts(problem: GemmProblem, choice: Choice, wanted: number): Choice {
  const whole = summands(problem);
  const least = problem.form === 'tn' ? 1 : 8;
  const parts = Math.max(1, Math.min(wanted, Math.floor(whole / least)));
  return { ...choice, parts: Math.ceil(whole / Math.ceil(whole / parts)) };
}

/** Relative time: what whole tiles compute at the tile's rate, slower where there are too few for the device. */
function cost(problem: GemmProblem, choice: Choice, device: GemmDevice): number {
  const [pass] = launch(problem, choice) as [ReturnType<typeof launch>[0]];
  const rate = rates[device.software ? 'software' : 'physical'][`${choice.family} ${choice.tile}`] ?? LEAST;
  const { k } = extentsOf(problem);
  const work = (workgroupsOf(pass) / choice.parts) * tileOf(problem, choice) * k;
  return work / rate / Math.min(1, workgroupsOf(pass) / wantedWorkgroups(device));
}

/** Elements of the result that one workgroup computes. */
function tileOf(problem: GemmProblem, { family, tile }: Choice): number {
  const [a, b, c = 1] = tile.split('x').map(Number) as [number, number, number?];
  if (family === 'subgroup' || family === 'narrow') return a * 4 * b * c;
  if (family === 'workgroup') return a * 8 * (problem.form === 'tn' ? 4 : 1) * b * 8 * 4;
  return a * b * 4 * 32;
}

/** What fits the problem, with the sum split where workgroups would be few; the cheapest first, with relative times. */
export function costs(problem: GemmProblem, device: GemmDevice): { choice: Choice; cost: number }[] {
  const fitting = families.flatMap((f) => f.candidates(problem, device));
  const all = fitting.map((c) => inParts(problem, c, Math.ceil(wantedWorkgroups(device) / countOf(problem, c))));
  return all.map((choice) => ({ choice, cost: cost(problem, choice, device) })).sort((a, b) => a.cost - b.cost);
}

export const ranked = (problem: GemmProblem, device: GemmDevice): Choice[] =>
  costs(problem, device).map(({ choice }) => choice);
