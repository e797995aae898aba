/** What was measured, as plain data: written by each shard, merged, and summed up with confidence intervals. */
import { WgradError } from '../../errors.ts';
import { bootstrapMean, type Interval } from '../metrics/interval.ts';
import { measureNames, type MeasureName } from './measures.ts';

/** Rank correlation (null where a map does not vary) and structural similarity after a stage was made random, by picture. */
export interface StageSimilarity {
  stage: string;
  spearman: (number | null)[];
  ssim: number[];
}

/** What was measured of one method, picture by picture. */
export interface MethodTrust {
  /** Options that were given, for a reader. */
  options: Record<string, unknown>;
  /** What made the maps, where it was not wgrad: 'DeepExplainer of shap 0.51.0'. */
  source?: string;
  /** By the method's own formula, in forward passes; null where nobody says. */
  forwards: number | null;
  /** A map, by picture. */
  seconds: number[];
  /** One value a picture; null where the measure says nothing of it. */
  values: Partial<Record<MeasureName, (number | null)[]>>;
  randomized: StageSimilarity[];
  /** The same of a network that was trained on random labels, where one was asked. */
  relabelled?: StageSimilarity;
}

/** The file that `wgrad trust` writes; shards of one run merge into it. */
export interface TrustResult {
  kind: 'wgrad-trust';
  /** What was explained, and on what. */
  model: string;
  adapter: string;
  /** Whose methods these are, where they are not wgrad's: 'Captum and SHAP'. */
  by?: string;
  /** Identifies the set and the settings: shards of another one are not merged. */
  settings: Record<string, unknown>;
  /** Which part of the set: the pictures i with i mod of = part. */
  shard: { part: number; of: number };
  pictures: { id: string; target: number; label?: string }[];
  /** Of one picture's forward pass, alone. */
  forwardSeconds: number;
  methods: Record<string, MethodTrust>;
  /** Methods that failed, with the reason. */
  failed: Record<string, string>;
}

/** @throws WgradError 'file-format' for data that are no result. */
export function asTrustResult(data: unknown, where: string): TrustResult {
  const result = data as TrustResult;
  const isResult = typeof data === 'object' && data !== null && result.kind === 'wgrad-trust';
  const isWhole =
    isResult &&
    Array.isArray(result.pictures) &&
    typeof result.methods === 'object' &&
    typeof result.shard === 'object';
  if (!isWhole) {
    throw new WgradError('file-format', `${where} is no result of wgrad trust`, {
      remedy: 'Give the trust.json that it wrote',
    });
  }
  return result;
}

/**
 * One result of several shards, in the order of the pictures of the whole set.
 * @throws WgradError 'invalid-argument' for shards of other sets, models or settings, a shard twice, or one that lacks.
 */
export function mergeTrust(results: readonly TrustResult[]): TrustResult {
  const [first, ...others] = results;
  if (!first) throw new WgradError('invalid-argument', 'trust: no result to merge');
  const refuse = (why: string) => {
    throw new WgradError('invalid-argument', `trust: these results are no shards of one run: ${why}`);
  };
  const { of } = first.shard;
  const key = (r: TrustResult) => JSON.stringify([r.model, r.settings, r.shard.of]);
  for (const other of others) if (key(other) !== key(first)) refuse(`${JSON.stringify(other.settings)} and ${JSON.stringify(first.settings)} differ, or the models do`); // prettier-ignore
  const parts = results.map((r) => r.shard.part);
  if (new Set(parts).size !== parts.length) refuse(`part ${parts.find((p, i) => parts.indexOf(p) !== i)} comes twice`);
  const missing = Array.from({ length: of }, (_, part) => part).filter((part) => !parts.includes(part));
  if (missing.length > 0) refuse(`part ${missing.join(', ')} of ${of} lacks`);

  // Picture k of part p is picture p + k of the set.
  const order = results
    .flatMap((r, shard) => r.pictures.map((_, k) => ({ shard, k, at: r.shard.part + k * of })))
    .sort((a, b) => a.at - b.at);
  const failed = Object.assign({}, ...results.map((r) => r.failed)) as Record<string, string>;
  const names = [...new Set(results.flatMap((r) => Object.keys(r.methods)))].filter((name) => !(name in failed));
  for (const name of names) {
    const without = results.find((r) => !(name in r.methods));
    if (without) refuse(`part ${without.shard.part} has no ${name}: it was interrupted`);
  }
  const methods = Object.fromEntries(
    names.map((name): [string, MethodTrust] => {
      const own = results.map((r) => r.methods[name]!);
      const collected = <T>(list: (m: MethodTrust) => readonly T[]) =>
        order.map(({ shard, k }) => list(own[shard]!)[k]!);
      const values: MethodTrust['values'] = {};
      for (const measure of Object.keys(own[0]!.values) as MeasureName[]) {
        values[measure] = collected((m) => m.values[measure]!);
      }
      const randomized = own[0]!.randomized.map(({ stage }, i) => ({
        stage,
        spearman: own.flatMap((m) => m.randomized[i]?.spearman ?? []),
        ssim: own.flatMap((m) => m.randomized[i]?.ssim ?? []),
      }));
      const relabelled = own[0]!.relabelled && {
        stage: own[0]!.relabelled.stage,
        spearman: own.flatMap((m) => m.relabelled?.spearman ?? []),
        ssim: own.flatMap((m) => m.relabelled?.ssim ?? []),
      };
      const merged = { ...own[0]!, seconds: collected((m) => m.seconds), values, randomized };
      return [name, relabelled ? { ...merged, relabelled } : merged];
    }),
  );
  return {
    ...first,
    shard: { part: 0, of: 1 },
    adapter: [...new Set(results.map((r) => r.adapter))].join('; '),
    pictures: order.map(({ shard, k }) => results[shard]!.pictures[k]!),
    forwardSeconds: results.reduce((n, r) => n + r.forwardSeconds, 0) / results.length,
    methods,
    failed,
  };
}

/** One method's line in the table of a report. */
export interface TrustRow {
  method: string;
  forwards: number | null;
  seconds: Interval;
  measures: Partial<Record<MeasureName, Interval>>;
  /** What is left of the map's ranks when the classifier alone is random: what explains the class has little left. */
  headless: Interval | undefined;
  /** After the last of cascading stages: what is left in a network of random weights. */
  remains: Interval | undefined;
  /** What of them a network that learnt random labels draws too. */
  relabelled: Interval | undefined;
}

/** Means with bootstrap intervals, one row a method, in the order in which they were asked for. */
export function summarizeTrust(result: TrustResult, options: { level?: number; seed?: number } = {}): TrustRow[] {
  return Object.entries(result.methods).map(([method, { forwards, seconds, values, randomized, relabelled }]) => {
    const measures = eachMeasure(values, (own) =>
      bootstrapMean(
        own.map((v) => v ?? NaN),
        options,
      ),
    );
    const left = (s: StageSimilarity | undefined) =>
      s &&
      bootstrapMean(
        s.spearman.map((v) => v ?? NaN),
        options,
      );
    const row = { method, forwards, seconds: bootstrapMean(seconds, options), measures };
    const cascades = result.settings['mode'] !== 'independent';
    const remains = cascades ? left(randomized.at(-1)) : undefined;
    return { ...row, headless: left(randomized[0]), remains, relabelled: left(relabelled) };
  });
}

/** @param of values of one measure, by picture. */
export function eachMeasure<T>(
  values: MethodTrust['values'],
  of: (values: readonly (number | null)[], name: MeasureName) => T | undefined,
): Partial<Record<MeasureName, T>> {
  const result: Partial<Record<MeasureName, T>> = {};
  for (const name of measureNames) {
    const made = values[name] && of(values[name], name);
    if (made !== undefined) result[name] = made;
  }
  return result;
}
