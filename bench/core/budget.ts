/** What fits a time: a case is reckoned by its operations and by the rates that its contestants have shown so far. */
import type { Case } from './case.ts';
import type { RaceOptions } from './race.ts';
import type { CaseScore } from './result.ts';

/** Of a case, about: a gradient costs two forward passes. */
export const workOf = ({ work, flops, bytes }: Case): number => work ?? (flops || (bytes ?? 0));

/** Runs beside the counted rounds: to warm up, to learn how long one takes, and for the outputs of some. */
const UNCOUNTED = 3;

export class Budget {
  /** Milliseconds an operation, by contestant and then by group; the latest of a group stands for it. */
  private readonly pace = new Map<string, Map<string, number>>();
  private readonly end: number;

  /** @param seconds from now. */
  constructor(
    seconds: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.end = now() + 1000 * seconds;
  }

  learn(one: Case, { scores }: CaseScore): void {
    for (const [name, { readback }] of Object.entries(scores)) {
      if (!readback || workOf(one) === 0) continue;
      const paces = this.pace.get(name) ?? new Map<string, number>();
      this.pace.set(name, paces.set(one.group, readback.median / workOf(one)));
    }
  }

  /** Milliseconds that a case will take, all its contestants together; 0 as long as nothing is known. */
  cost(one: Case, { rounds, seconds }: RaceOptions): number {
    let each = 0;
    for (const paces of this.pace.values()) {
      const known = [...paces.values()];
      each += workOf(one) * (paces.get(one.group) ?? paces.get('forward') ?? Math.max(...known));
    }
    const counted = Math.max(1, Math.min(rounds, (1000 * seconds) / each));
    return each * (UNCOUNTED + counted);
  }

  fits(one: Case, options: RaceOptions): boolean {
    return this.now() + this.cost(one, options) <= this.end;
  }
}
