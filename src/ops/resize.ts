/**
 * Resizing of the last axes, one after the other: y = R x along each, R a sparse matrix whose row i weighs the inputs
 * near the place p of output i,
 *
 *   R[i, j] = k(s |j - p|) / (sum of the row)        k: a box (nearest), a triangle (linear) or Keys' cubic
 *
 * with s = 1, or smaller than 1 where antialiasing widens the kernel to what an output covers. What lies outside counts
 * as the border, or not at all. The gradient is R^T along the same axes (src/ops/along_axis.ts). Places and kernels are
 * those of ONNX Resize and of torch.nn.functional.interpolate, which differ in their defaults only.
 */
import { WgradError } from '../errors.ts';
import { show } from '../graph/shape.ts';
import { requirePossible, type Tensor } from '../graph/tensor.ts';
import { alongAxis, sparseMatrix } from './along_axis.ts';
import { requireFloat, requireKnown, requireNumber, requireOneOf, requireShape } from './check.ts';

/** One axis that is resized. */
export interface ResizedAxis {
  from: number;
  to: number;
  /** Outputs per input; default to / from. */
  scale?: number | undefined;
}

/** Where output i lies among the inputs, i + 0.5 being the middle of a pixel in half-pixel modes. */
type Place = (i: number, a: ResizedAxis) => number;

/** The quotient of whole numbers is exact where it is one: nearest pixels do not slip by a rounding. */
const ahead = (i: number, { from, to, scale }: ResizedAxis): number =>
  scale === undefined ? (i * from) / to : i / scale;

const PLACES = {
  half_pixel: (i, a) => ahead(i + 0.5, a) - 0.5,
  /** The middle of the input stays where scale x from is not a whole number. */
  half_pixel_symmetric: (i, a) =>
    (a.from / 2) * (1 - a.to / ((a.scale ?? a.to / a.from) * a.from)) + ahead(i + 0.5, a) - 0.5,
  pytorch_half_pixel: (i, a) => (a.to > 1 ? ahead(i + 0.5, a) - 0.5 : 0),
  align_corners: (i, a) => (a.to > 1 ? (i * (a.from - 1)) / (a.to - 1) : 0),
  asymmetric: ahead,
  tf_half_pixel_for_nn: (i, a) => ahead(i + 0.5, a),
} as const satisfies Readonly<Record<string, Place>>;

const ROUNDINGS = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (x: number) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x: number) => Math.floor(x + 0.5),
} as const;

const MODES = { nearest: 'nearest', linear: 'linear', bilinear: 'linear', cubic: 'cubic', bicubic: 'cubic' } as const;

export type ResizeCoordinates = keyof typeof PLACES;
export type ResizeRounding = keyof typeof ROUNDINGS;

export const resizeCoordinates = Object.keys(PLACES) as ResizeCoordinates[];
export const resizeRoundings = Object.keys(ROUNDINGS) as ResizeRounding[];

/** How the inputs near a place are weighed. */
export interface Interpolation {
  /** 'linear' and 'bilinear' are one, and so are 'cubic' and 'bicubic': every axis that is resized has this mode. */
  mode: keyof typeof MODES;
  /** Of 'nearest'. */
  rounding: ResizeRounding;
  /** When shrinking, average over the covered pixels. */
  antialias: boolean;
  /** Of 'cubic': the kernel's slope at distance 1. */
  cubicCoefficient: number;
  /** Whether what lies outside is left out, instead of counting as the border. */
  excludeOutside: boolean;
}

export interface ResizeOptions extends Partial<Interpolation> {
  /** The corners of input and output are the same points: short for coordinates: 'align_corners'. */
  alignCorners?: boolean;
  /** Names of ONNX. Default 'half_pixel'; for 'nearest' 'asymmetric', which with 'floor' is what PyTorch does. */
  coordinates?: ResizeCoordinates;
  /** Outputs per input along each axis, where these are not the quotients of the sizes: they only move the places. */
  scales?: readonly number[];
}

type Row = ReadonlyMap<number, number>;

interface Kernel {
  support: number;
  weight: (distance: number) => number;
}

const linear: Kernel = { support: 1, weight: (d) => Math.max(0, 1 - d) };

const cubic = (a: number): Kernel => ({
  support: 2,
  weight: (d) =>
    d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0,
}); // prettier-ignore

/** An input of weight 0 is left out, so that its NaN or infinity stays out too. */
function weightsAt(x: number, from: number, kernel: Kernel, s: number, excludeOutside: boolean): Row {
  const reach = kernel.support / s;
  const row = new Map<number, number>();
  let total = 0;
  for (let p = Math.floor(x - reach) + 1; p < x + reach; p++) {
    const inside = Math.min(Math.max(p, 0), from - 1);
    if (excludeOutside && inside !== p) continue;
    const weight = kernel.weight(Math.abs(p - x) * s);
    if (weight === 0) continue;
    row.set(inside, (row.get(inside) ?? 0) + weight);
    total += weight;
  }
  for (const [p, weight] of row) row.set(p, weight / total);
  return row;
}

/** The place of each output of an axis, in pixels of the input, the middle of the first being 0. */
export const resizePlaces = (axis: ResizedAxis, coordinates: ResizeCoordinates): number[] =>
  Array.from({ length: axis.to }, (_, i) => PLACES[coordinates](i, axis));

/** The rows of the axis' matrix for outputs at these places. */
export function resizeRows(places: readonly number[], axis: ResizedAxis, how: Interpolation): Row[] {
  const { from } = axis;
  const mode = MODES[how.mode];
  if (mode === 'nearest') {
    const choose = ROUNDINGS[how.rounding];
    return places.map((x) => new Map([[Math.min(Math.max(choose(x), 0), from - 1), 1]]));
  }
  const kernel = mode === 'linear' ? linear : cubic(how.cubicCoefficient);
  const s = how.antialias ? Math.min(axis.scale ?? axis.to / from, 1) : 1;
  return places.map((x) => weightsAt(x, from, kernel, s, how.excludeOutside));
}

/** The options with their defaults, those of PyTorch; checked. */
function completeResize(options: ResizeOptions): Interpolation & { coordinates: ResizeCoordinates } {
  const { mode = 'bilinear', alignCorners = false, antialias = false } = options;
  requireOneOf('resize', 'mode', mode, Object.keys(MODES));
  const nearest = mode === 'nearest';
  const refuse = (what: string, remedy: string) => new WgradError('invalid-argument', `resize: ${what}`, { remedy });
  if (nearest && (alignCorners || antialias))
    throw refuse(`mode 'nearest' has no ${alignCorners ? 'alignCorners' : 'antialias'}`, "Use mode 'bilinear'");
  if (alignCorners && options.coordinates && options.coordinates !== 'align_corners')
    throw refuse(`alignCorners and the coordinates ${options.coordinates}`, 'Leave one out');
  const fallback = alignCorners ? 'align_corners' : nearest ? 'asymmetric' : 'half_pixel';
  const { coordinates = fallback, rounding = 'floor', cubicCoefficient = antialias ? -0.5 : -0.75 } = options;
  requireOneOf('resize', 'coordinates', coordinates, resizeCoordinates);
  requireOneOf('resize', 'rounding', rounding, resizeRoundings);
  requireNumber('resize', { cubicCoefficient });
  const { excludeOutside = antialias } = options;
  return { mode, coordinates, rounding, antialias, cubicCoefficient, excludeOutside };
}

const resizeOptions = ['mode', 'rounding', 'antialias', 'cubicCoefficient', 'excludeOutside', 'alignCorners', 'coordinates', 'scales']; // prettier-ignore

/** PyTorch's antialiased kernel takes only the scale of aligned corners, and half pixels. */
const wideCorners = (axis: ResizedAxis): ResizedAxis => ({
  ...axis,
  scale: axis.to > 1 ? (axis.to - 1) / (axis.from - 1) : Infinity,
});

/**
 * @param x of any rank; its last size.length axes are resized, [N,C,H,W] to [N,C,size[0],size[1]].
 * @param options what is not given is as in torch.nn.functional.interpolate: 'bilinear', half pixels, the cubic
 * coefficient -0.75 (-0.5 with antialias), the outside as the border (left out with antialias).
 * @throws WgradError 'shape' for sizes that are not whole numbers of at least 1, or more than x has axes, or an empty
 * axis; 'dtype' for integers; 'invalid-argument' for options that are unknown or contradict each other.
 */
export function resize(x: Tensor, size: readonly number[], options: ResizeOptions = {}): Tensor {
  requireFloat('resize', x);
  requireKnown('resize', options, resizeOptions);
  requireShape('resize', size, 'size');
  const { coordinates, ...how } = completeResize(options);
  const { scales } = options;
  const first = x.rank - size.length;
  const whole = size.every((to, i) => Number.isSafeInteger(to) && to >= 1 && x.shape[first + i]! >= 1);
  if (first < 0 || !whole) throw new WgradError('shape', `resize: ${x} to ${show(size)}`);
  requirePossible('resize', [...x.shape.slice(0, first), ...size]);
  if (scales && !(scales.length === size.length && scales.every((s) => s > 0 && Number.isFinite(s)))) {
    throw new WgradError('invalid-argument', `resize: scales ${show(scales)} for the sizes ${show(size)}`, {
      remedy: 'Give one positive number for each size',
    });
  }
  // The last axis first: while it is still short, for it is the one whose elements come singly.
  return size.reduceRight((y, to, i) => {
    const from = x.shape[first + i]!;
    const given = { from, to, scale: scales?.[i] };
    const wide = how.antialias && coordinates === 'align_corners';
    const axis = wide ? wideCorners(given) : given;
    const places = resizePlaces(axis, wide ? 'half_pixel' : coordinates);
    if (from === to && places.every((place, j) => place === j)) return y;
    return alongAxis(y, first + i, sparseMatrix(resizeRows(places, axis, how), from));
  }, x);
}

/** Bilinear with half-pixel centres. */
export const resizeBilinear = (x: Tensor, size: readonly [number, number]): Tensor => resize(x, size);
