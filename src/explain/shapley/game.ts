/**
 * The game of a picture's segments: v(S) is the score of the picture where the segments of S show and the others are
 * hidden. A method on it says which coalitions it wants and what their scores make of every player; the passes, the
 * segments and several targets at once are here. Segments that look alike hidden and shown are no players: their value
 * is 0.
 */
import { WgradError } from '../../errors.ts';
import type { Model } from '../../model/model.ts';
import { choice, count, type ResolvedOptions } from '../../options.ts';
import { compileSegmentPasses, fillOf, hidingOptions, painted, weightedOutputs } from '../engines/segment_masks.ts';
import { Pulse } from '../pulse.ts';
import type { Score } from '../score.ts';
import { segmentations, segmentOptions } from '../segments/index.ts';
import { segmentsOf, type Segments } from '../segments/of_model.ts';
import type { CompiledMethod, MethodRun, MapError, Regions } from '../types.ts';
import type { Coalitions } from './coalitions.ts';

export const gameOptions = {
  ...segmentOptions,
  segmentation: choice(segmentations, 'grid', 'how the picture is cut into segments'),
  ...hidingOptions('mean'),
  batch: count(8, 'coalitions in one run'),
};

type GameOptions = ResolvedOptions<typeof gameOptions>;

export interface Rule<C extends Coalitions> {
  /** The same for every target. */
  coalitions(players: number): C;
  /**
   * @param scores of the coalitions: that of nothing first, that of the whole picture second.
   * @param players the segment of each player.
   */
  shares(scores: Float64Array, coalitions: C, players: readonly number[]): Shares;
  /** Values out of the first `done` scores, for a map so far; undefined where they say nothing yet. */
  soFar?(scores: Float64Array, coalitions: C, done: number): Float64Array | undefined;
}

export interface Shares {
  /** One value a player. */
  values: Float64Array;
  error: MapError;
  /** v of nothing, in the units of the values. */
  intercept: number;
  /** [players, players] */
  interactions?: Float64Array;
}

/** About how many players there will be, for the cost before there is a picture. */
export function expectedPlayers({ labels, segmentation, cells, segmentCount }: Partial<GameOptions>): number {
  if (labels) return labels.reduce((m, v) => Math.max(m, v + 1), 0);
  return segmentation === 'grid' ? (cells ?? 8) ** 2 : (segmentCount ?? 100);
}

/** Coalitions whose outputs are held at a time: those of all of them may be more than memory has. */
const CHUNK = 4096;

export async function compileGame<C extends Coalitions>(
  what: string,
  model: Model,
  score: Score,
  options: GameOptions,
  { signal }: { signal?: AbortSignal | undefined },
  rule: Rule<C>,
): Promise<CompiledMethod> {
  const { batch: limit, labels } = options;
  const passes = await compileSegmentPasses(model, score, { limit, labels, signal });
  const [, h, w] = model.pictureShape;
  const shape: [number, number, number] = [1, h, w];

  async function play(run: MethodRun, weights: readonly Float32Array[], segments: Segments, fill: Float32Array) {
    const players = changing(run.pixels, fill, segments);
    if (players.length === 0) {
      throw new WgradError('invalid-argument', `${what}: the picture looks the same with every segment hidden`, {
        remedy: "Hide them by something else: 'hide', 'color' or 'fill'",
      });
    }
    const coalitions = rule.coalitions(players.length);
    const total = coalitions.count;
    const scores = weights.map(() => new Float64Array(total));
    const pulse = new Pulse();
    const show = (outputs: Float32Array, first: number, done: number) => {
      if (!run.onPartial || !rule.soFar || weights.length > 1 || !pulse.due()) return;
      scores[0]!.set(weightedOutputs(outputs, weights[0]!), first);
      const values = rule.soFar(scores[0]!, coalitions, first + done);
      if (values) run.onPartial({ map: painted(segments.labels, onSegments(values, players, segments.count)), shape });
    };
    const step = passes.batch * Math.ceil(CHUNK / passes.batch);
    for (let first = 0; first < total; first += step) {
      const bits = bitsOf(coalitions, players, segments.count, first, Math.min(first + step, total));
      const onProgress =
        run.onProgress && (({ done }: { done: number }) => run.onProgress!({ done: first + done, total }));
      const outputs = await passes.run({
        ...segments,
        bits,
        fill,
        run: { ...run, onProgress },
        onBatch: (soFar, done) => show(soFar, first, done),
      });
      weights.forEach((of, k) => scores[k]!.set(weightedOutputs(outputs, of), first));
    }
    return { players, coalitions, scores };
  }

  const runEach = async (run: MethodRun, weights: readonly Float32Array[]) => {
    const segments = await segmentsOf(what, model, run.pixels, options, run.signal);
    const fill = fillOf(what, model, options, run.pixels, segments);
    const { players, coalitions, scores } = await play(run, weights, segments, fill);
    return scores.map((of) => {
      const { values, error, intercept, interactions } = rule.shares(of, coalitions, players);
      const { labels, count } = segments;
      const regions: Regions = { labels, values: onSegments(values, players, count), intercept };
      if (interactions) regions.interactions = spreadOut(interactions, players, count);
      return { map: painted(labels, regions.values), shape, score: of[1]!, error, regions };
    });
  };
  return {
    run: async (run) => (await runEach(run, [run.weights]))[0]!,
    runEach,
    dispose: () => passes.dispose(),
  };
}

/** The segments that hiding changes. */
function changing(pixels: Float32Array, fill: Float32Array, { labels, count }: Segments): number[] {
  const changes = new Uint8Array(count);
  pixels.forEach((v, i) => v !== fill[i] && (changes[labels[i % labels.length]!] = 1));
  return [...changes.keys()].filter((segment) => changes[segment]);
}

/** Which segments show, for the coalitions first..end-1: [coalitions, segments]. */
function bitsOf(
  { players: count, present }: Coalitions,
  players: readonly number[],
  segments: number,
  first: number,
  end: number,
): Uint8Array {
  const bits = new Uint8Array((end - first) * segments);
  for (let k = first; k < end; k++) {
    players.forEach((segment, i) => (bits[(k - first) * segments + segment] = present[k * count + i]!));
  }
  return bits;
}

function onSegments(values: Float64Array, players: readonly number[], segments: number): Float64Array {
  const out = new Float64Array(segments);
  players.forEach((segment, i) => (out[segment] = values[i]!));
  return out;
}

function spreadOut(matrix: Float64Array, players: readonly number[], segments: number): Float64Array {
  const out = new Float64Array(segments * segments);
  players.forEach((a, i) => players.forEach((b, j) => (out[a * segments + b] = matrix[i * players.length + j]!)));
  return out;
}
