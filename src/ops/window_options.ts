/** Where windows lie, as callers say it: PyTorch's short forms, or every side by itself as in ONNX. */
import { WgradError } from '../errors.ts';
import { requireList } from '../graph/shape.ts';

export type Pair = readonly [vertical: number, horizontal: number];
export type Sides = readonly [top: number, left: number, bottom: number, right: number];

export interface WindowOptions {
  /** Step from window to window: one number, or [vertical, horizontal]. */
  stride?: number | Pair;
  /** The same padding on opposite sides: one number, or [above and below, left and right]. Default 0. */
  padding?: number | Pair;
  /** Distance of a window's elements. Default 1. */
  dilation?: number | Pair;
  /** The same as `stride`. */
  strides?: Pair;
  /** Instead of `padding`, in ONNX order: top, left, bottom, right. */
  pads?: Sides;
  /** The same as `dilation`. */
  dilations?: Pair;
}

export interface Windows {
  strides: Pair;
  pads: Sides;
  dilations: Pair;
}

export function pair(value: number | Pair, op: string, name: string): Pair {
  if (typeof value === 'number') return [value, value];
  if (Array.isArray(value) && value.length === 2) return value;
  throw new WgradError('invalid-argument', `${op}: ${name} is ${String(value)}, no number and no pair of them`);
}

/** The names of {@link WindowOptions}. */
export const windowOptions = ['stride', 'padding', 'dilation', 'strides', 'pads', 'dilations'];

/** @throws WgradError 'invalid-argument' where one thing is said in both forms, or in none of these. */
export function readWindows(op: string, options: WindowOptions, stride: Pair): Windows {
  for (const [short, long] of [
    ['stride', 'strides'],
    ['padding', 'pads'],
    ['dilation', 'dilations'],
  ] as const) {
    if (options[short] !== undefined && options[long] !== undefined) {
      throw new WgradError('invalid-argument', `${op}: both ${short} and ${long} are given`, {
        remedy: 'Leave one out',
      });
    }
  }
  const [vertical, horizontal] = pair(options.padding ?? 0, op, 'padding');
  requireList(op, 'pads', options.pads);
  return {
    strides: pair(options.stride ?? options.strides ?? stride, op, 'stride'),
    pads: options.pads ?? [vertical, horizontal, vertical, horizontal],
    dilations: pair(options.dilation ?? options.dilations ?? 1, op, 'dilation'),
  };
}
