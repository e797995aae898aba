/** Argument checks that ops share. */
import { WgradError } from '../errors.ts';
import { sameShape, show } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';

export function requireFloat(op: string, ...tensors: Tensor[]): void {
  for (const t of tensors) {
    if (t.dtype !== 'f32') throw new WgradError('dtype', `${op}: ${t} holds ${t.dtype}, f32 is needed`);
  }
}

export function requireRank(op: string, t: Tensor, rank: number, meaning: string): void {
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
