/** What another library's methods give on the same pictures, beside wgrad's own: means, and the differences in pairs. */
import { WgradError } from '../../errors.ts';
import { bootstrapMean, type Interval } from '../metrics/interval.ts';
import type { MeasureName } from './measures.ts';
import { eachMeasure, type TrustResult } from './result.ts';

/** A measure of another library's map, beside ours. */
export interface BesideMeasure {
  own: Interval;
  other: Interval;
  /** Own less other, picture by picture: what the pictures have in common goes out. */
  difference: Interval;
}

/** A method's row of another library's values. */
export interface BesideRow {
  method: string;
  /** What made the other's maps. */
  source: string;
  measures: Partial<Record<MeasureName, BesideMeasure>>;
}

/** Another library's values on the same pictures, for `compareTrust`. */
export interface Beside {
  by: string;
  /** On how many pictures: those that both have. */
  pictures: number;
  rows: BesideRow[];
}

/** @throws WgradError 'invalid-argument' for another model's result, other pictures, or other classes explained. */
export function compareTrust(own: TrustResult, other: TrustResult): Beside {
  const by = other.by ?? other.model;
  const refuse = (why: string, remedy: string) => {
    throw new WgradError('invalid-argument', `trust: ${by} cannot stand beside this result: ${why}`, { remedy });
  };
  if (!other.by && other.model !== own.model) refuse(`it is of ${other.model}, not of ${own.model}`, 'Explain the same model'); // prettier-ignore
  const places = new Map(other.pictures.map(({ id }, i) => [id, i]));
  const pairs = own.pictures.flatMap(({ id }, i) => (places.has(id) ? [[i, places.get(id)!] as const] : []));
  if (pairs.length === 0) refuse(`it has none of the pictures (${own.pictures[0]?.id ?? ''} ...)`, 'Explain the same pictures'); // prettier-ignore
  const apart = pairs.find(([i, k]) => own.pictures[i]!.target !== other.pictures[k]!.target);
  if (apart) refuse(`of '${own.pictures[apart[0]]!.id}' it explains class ${other.pictures[apart[1]]!.target}, not ${own.pictures[apart[0]]!.target}`, 'Explain the same classes'); // prettier-ignore
  const shared = Object.keys(own.methods).filter((method) => Object.hasOwn(other.methods, method));
  const rows = shared.map((method): BesideRow => {
    const [mine, theirs] = [own.methods[method]!, other.methods[method]!];
    const measures = eachMeasure(mine.values, (values, name) => {
      const others = theirs.values[name];
      if (!others) return undefined;
      const [a, b] = [pairs.map(([i]) => values[i] ?? NaN), pairs.map(([, k]) => others[k] ?? NaN)];
      return { own: bootstrapMean(a), other: bootstrapMean(b), difference: bootstrapMean(a.map((v, i) => v - b[i]!)) };
    });
    return { method, source: theirs.source ?? by, measures };
  });
  return { by, pictures: pairs.length, rows };
}
