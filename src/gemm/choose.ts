/** Which kernel solves a problem: what was measured, else the cost model's answer. */
import { ranked } from './cost.ts';
import type { Choice, GemmDevice } from './family.ts';
import { problemKey, type GemmProblem } from './problem.ts';

export { families, launch } from './families.ts';

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
