/** Which kernel solves a problem: a cost model that answers at once, for tuning to correct where it is asked to. */
import type { Choice, GemmDevice, GemmFamily, Launch } from './family.ts';
import { extentsOf, problemKey, type GemmProblem } from './problem.ts';
import { subgroupFamily } from './subgroup.ts';
import { tileFamily } from './tile.ts';

export const families: readonly GemmFamily[] = [subgroupFamily, tileFamily];

export const familyOf = (choice: Choice): GemmFamily => {
  const family = families.find((f) => f.name === choice.family);
  if (!family) throw new Error(`no kernel family ${choice.family}`);
  return family;
};

export const launch = (problem: GemmProblem, choice: Choice, steps: number): Launch =>
  familyOf(choice).launch(problem, choice, steps);

export const workgroupsOf = (l: Launch): number => l.workgroups.reduce((a, b) => a * b);

/**
 * GFLOP/s of whole tiles, measured on lavapipe (8 lanes) and SwiftShader (4 lanes); only their ratios on one device
 * matter. docs/performance.md has the table that they are from.
 */
const rates: Readonly<Record<string, number>> = {
  'subgroup 8x8': 18,
  'subgroup 8x16': 27,
  'subgroup 8x32': 26,
  'subgroup 4x8': 2.2,
  'subgroup 4x16': 3.3,
  'tile 8x2': 2.4,
};

/** Rows and columns of a tile, from its family and name. */
const extentOf = ({ family, tile }: Choice): [rows: number, columns: number] => {
  const [a, b] = tile.split('x').map(Number) as [number, number];
  return family === 'subgroup' ? [b, 4 * a] : [a, 4 * b];
};

/** Workgroups that keep a device busy: several for every core. */
const wantedWorkgroups = (device: GemmDevice) => (device.software ? 32 : 256);

/** As many parts of the sum as it takes to keep the device busy, each with enough to add up to be worth it. */
function split(problem: GemmProblem, choice: Choice, device: GemmDevice): Choice {
  const have = workgroupsOf(launch(problem, choice, 0));
  const steps = problem.form === 'tn' ? problem.geometry.rows : Math.floor(problem.phases[0]!.run / 8);
  const wanted = Math.min(Math.ceil(wantedWorkgroups(device) / have), Math.max(1, steps));
  // Parts of one length: the last one may be shorter, none is empty.
  const whole = problem.form === 'tn' ? problem.geometry.rows : problem.phases[0]!.run;
  return { ...choice, parts: Math.ceil(whole / Math.ceil(whole / wanted)) };
}

/** Relative time: what whole tiles compute, at the tile's rate. */
function cost(problem: GemmProblem, choice: Choice): number {
  const [rows, columns] = extentOf(choice);
  const { m, n, k } = extentsOf(problem);
  const padded = Math.ceil(m / rows) * rows * Math.ceil(n / columns) * columns * k;
  return padded / (rates[`${choice.family} ${choice.tile}`] ?? 1);
}

/** What fits the problem, with the sum split where workgroups would be few; the cheapest first. */
export function ranked(problem: GemmProblem, device: GemmDevice): Choice[] {
  const all = families.flatMap((f) => f.candidates(problem, device)).map((c) => split(problem, c, device));
  return all.sort((a, b) => cost(problem, a) - cost(problem, b));
}

/** off: the cost model. cached: what was measured before, else the cost model. full: measures what is not known. */
export type TuningMode = 'off' | 'cached' | 'full';

/** Answers by problem. `prepare` is asynchronous, so that it may look answers up or measure; `of` only reads. */
export class Choices {
  private readonly known = new Map<string, Choice>();

  readonly mode: TuningMode = 'off';

  constructor(readonly device: GemmDevice) {}

  of(problem: GemmProblem): Choice {
    const key = problemKey(problem);
    let choice = this.known.get(key);
    if (!choice) this.known.set(key, (choice = ranked(problem, this.device)[0]!));
    return choice;
  }

  set(problem: GemmProblem, choice: Choice): void {
    this.known.set(problemKey(problem), choice);
  }

  /** Before planning: nothing to wait for where nothing is kept or measured. */
  async prepare(_problems: readonly GemmProblem[]): Promise<void> {}
}
