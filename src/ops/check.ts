/** Argument checks that ops share. */
import { WgradError } from '../errors.ts';
import { requireList, sameShape, show } from '../graph/shape.ts';
import { Tensor } from '../graph/tensor.ts';

/** Of JavaScript's callers. */
export function requireTensor(op: string, ...tensors: Tensor[]): void {
  for (const t of tensors as unknown[]) {
    if (t instanceof Tensor) continue;
    throw new WgradError('invalid-argument', `${op}: ${t === null ? 'null' : typeof t} is given, not a tensor`, {
      remedy: 'Make numbers a tensor with constant() or scalar()',
    });
  }
}

export function requireFloat(op: string, ...tensors: Tensor[]): void {
  requireTensor(op, ...tensors);
  for (const t of tensors) {
    if (t.dtype !== 'f32') throw new WgradError('dtype', `${op}: ${t} holds ${t.dtype}, f32 is needed`);
  }
}

/** A list of extents. */
export function requireShape(op: string, shape: readonly number[], name = 'shape'): void {
  if (shape === undefined) throw new WgradError('invalid-argument', `${op}: ${name} is not given`);
  requireList(op, name, shape);
  if (shape.every((d) => Number.isSafeInteger(d) && d >= 0)) return;
  throw new WgradError('shape', `${op}: ${name} ${show(shape)} is not all whole numbers of at least 0`);
}

export function requireRank(op: string, t: Tensor, rank: number, meaning: string): void {
  requireTensor(op, t);
  if (t.rank !== rank) {
    throw new WgradError('shape', `${op}: ${t} has shape ${show(t.shape)}, ${meaning} (rank ${rank}) is needed`);
  }
}

/** Every value given by name is a number, finite or infinite. */
export function requireNumber(op: string, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'number' || Number.isNaN(value)) {
      throw new WgradError('invalid-argument', `${op}: ${name} is ${String(value)}, not a number`);
    }
  }
}

/** The epsilon of a normalisation. */
export function requireEpsilon(op: string, epsilon: number): void {
  if (typeof epsilon === 'number' && epsilon >= 0 && epsilon < Infinity) return;
  throw new WgradError('invalid-argument', `${op}: epsilon is ${String(epsilon)}, not a number of at least 0`);
}

/** A misspelt option must not be passed over in silence. */
export function requireKnown(op: string, options: object, known: readonly string[]): void {
  if (options === null || typeof options !== 'object') {
    throw new WgradError('invalid-argument', `${op}: its options are ${String(options)}, not an object`);
  }
  const other = Object.keys(options).find((key) => !known.includes(key));
  if (other === undefined) return;
  throw new WgradError('invalid-argument', `${op} has no option '${other}'`, {
    remedy: `Its options are ${known.join(', ')}`,
  });
}

export function requireOneOf(op: string, name: string, value: unknown, choices: readonly string[]): void {
  if (!choices.includes(value as string)) {
    throw new WgradError('invalid-argument', `${op}: ${name} is ${String(value)}`, {
      remedy: `Give one of ${choices.join(', ')}`,
    });
  }
}

export function requireSameShape(op: string, a: Tensor, b: Tensor): void {
  if (!sameShape(a.shape, b.shape)) throw new WgradError('shape', `${op}: ${a} and ${b} are not of one shape`);
}
