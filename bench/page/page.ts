/**
 * The harness in a page or in its worker: the same cases, contestants and loop as in Node. It needs nothing but WebGPU,
 * and no peer is loaded that is not handed to it.
 */
import { Engine } from '../../src/index.ts';
import { wgradContestant } from '../contestants/wgrad/index.ts';
import { Budget } from '../core/budget.ts';
import { aboutAdapter, aboutContestant } from '../core/about.ts';
import type { Contestant, NetworkSource } from '../core/case.ts';
import type { CaseScore, Measured } from '../core/result.ts';
import { measureRoofline } from '../core/roofline.ts';
import { runCases } from '../core/run.ts';
import { select, type Selection } from '../core/select.ts';

export interface PageRequest {
  selection: Omit<Selection, 'filter'> & { filter?: string | undefined };
  rounds: number;
  seconds: number;
  /** Seconds that the whole run may take from here. */
  limit?: number | undefined;
  peers: readonly string[];
  version: string;
  network: NetworkSource;
  small: NetworkSource;
  extra: PeerHost['extra'];
}

export interface PeerHost {
  network: NetworkSource;
  /** Files of the peers' own, by name. */
  extra: Readonly<Record<string, Uint8Array>>;
}

/** Opens a peer; each is a module of its own in bench/peers. */
export type OpenPeer = (host: PeerHost) => Promise<Contestant>;

/**
 * @param peers by name: those that the request names.
 * @param onCase told of each case as in {@link runCases}.
 * @param signal ends it after the case that is under way, with what was measured.
 */
export async function runInPage(
  request: PageRequest,
  peers: Readonly<Record<string, OpenPeer>>,
  onCase: (id: string, index: number, count: number, done?: CaseScore) => void,
  signal?: AbortSignal,
): Promise<Measured> {
  const { selection, rounds, seconds, limit, version, network, small } = request;
  const { filter, ...rest } = selection;
  const cases = select({ ...rest, filter: filter === undefined ? undefined : new RegExp(filter) });
  const engine = await Engine.create();
  const contestants = [wgradContestant({ engine, another: () => Engine.create(), version, network, small })];
  for (const name of request.peers) contestants.push(await peers[name]!({ network, extra: request.extra }));
  const tiny = selection.size === 'tiny' ? { rounds: 1, large: 1 << 22 } : {};
  const roofline = await measureRoofline(engine.gpuDevice, tiny);
  const budget = limit === undefined ? undefined : new Budget(limit);
  const measured = await runCases(cases, contestants, { rounds, seconds, roofline, onCase, budget, signal });
  const adapter = aboutAdapter(engine.gpuDevice, engine.description);
  await engine.dispose();
  return { adapter, roofline, contestants: contestants.map(aboutContestant), ...measured };
}
