/** The benchmark harness of the repository, in this worker: the open model and single layers, beside a measured roofline. */
import { networkSource } from '../../../bench/core/networks.ts';
import { SCHEMA, type BenchResult, type CaseScore } from '../../../bench/core/result.ts';
import { runInPage } from '../../../bench/page/page.ts';
import type { Session } from './session.ts';

export type BenchSize = 'quick' | 'tiny';

/** A case that was measured, of so many. */
export interface MeasuredCase {
  done: number;
  count: number;
  score: CaseScore;
}

/** Those of `npm run bench -- --quick`; a taste is one tiny case of every kind. */
const settings = { quick: { rounds: 5, seconds: 1.5, limit: 120 }, tiny: { rounds: 2, seconds: 0.2, limit: undefined } } as const; // prettier-ignore

export class Measuring {
  constructor(private readonly session: Session) {}

  /** Ends after the case that is under way where it is aborted, and gives what there is. */
  async run(size: BenchSize, signal: AbortSignal, tell: (measured: MeasuredCase) => void): Promise<BenchResult> {
    const started = performance.now();
    const { name, shape, labels } = this.session.info();
    const network = await networkSource(name, await this.session.current.saveOnnx({ signal }), {
      ...{ side: shape[1], classes: labels.length, spread: 1 },
    });
    const { rounds, seconds, limit } = settings[size];
    const request = { selection: { size }, rounds, seconds, limit, peers: [], version: __VERSION__, network, small: network, extra: {} }; // prettier-ignore
    const onCase = (_id: string, index: number, count: number, score?: CaseScore) => {
      if (score) tell({ done: index + 1, count, score });
    };
    const { leftOut, interrupted, ...result } = await runInPage(request, {}, onCase, signal);
    const { side, classes, sha256 } = network;
    return {
      schema: SCHEMA,
      made: {
        date: new Date().toISOString(),
        command: 'npm run demo, Bench',
        commit: `version ${__VERSION__}`,
        changed: false,
        host: 'browser',
        runtime: navigator.userAgent,
        machine: `${navigator.hardwareConcurrency} threads`,
        ...(leftOut && { leftOut }),
        ...(interrupted && { interrupted }),
        seconds: (performance.now() - started) / 1000,
      },
      network: { name, sha256, side, classes },
      options: { rounds, seconds, quick: size === 'quick' },
      ...result,
    };
  }
}
