/** Checks of options that several methods share. */
import { WgradError } from '../errors.ts';

export function requireCount(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) {
    throw new WgradError('invalid-argument', `${name} is ${value}; a whole number of at least 1 is needed`);
  }
  return value;
}

export function requirePositive(name: string, value: number): number {
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new WgradError('invalid-argument', `${name} is ${value}; a positive number is needed`);
  }
  return value;
}
