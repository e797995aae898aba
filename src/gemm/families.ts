/** The kernel families, and how any choice among them is launched. */
import type { Choice, GemmFamily, Pass, Scratch } from './family.ts';
import { finishPass } from './launch.ts';
import type { GemmProblem } from './problem.ts';
import { stepCode } from './steps.ts';
import { narrowFamily, subgroupFamily } from './subgroup.ts';
import { tileFamily } from './tile.ts';
import { workgroupFamily } from './workgroup.ts';

export const families: readonly GemmFamily[] = [subgroupFamily, narrowFamily, tileFamily, workgroupFamily];

export const familyOf = (choice: Choice): GemmFamily => {
  const family = families.find((f) => f.name === choice.family);
  if (!family) throw new Error(`no kernel family ${choice.family}`);
  return family;
};

/** The passes that compute the problem: the family's, and one that adds up the parts and takes the epilogue's steps. */
export function launch(problem: GemmProblem, choice: Choice): Pass[] {
  const family = familyOf(choice);
  const [{ n4, y4 }, steps] = problem.form === 'tn' ? [problem.geometry, []] : [problem.phases[0]!, problem.steps];
  if (choice.parts === 1) return family.launch(problem, choice, 'y', stepCode(steps));
  const parts: Scratch = { elements: y4 * 4 * choice.parts };
  const extents = { elements: y4 * 4, channels: n4 * 4, parts: choice.parts };
  return [...family.launch(problem, choice, parts, 0), finishPass(parts, extents, steps)];
}

export const workgroupsOf = ({ workgroups: [x, y, z] }: Pass): number => x * y * z;
