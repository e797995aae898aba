/**
 * Resize and Upsample. Along each axis an output is a weighted sum of inputs near its place, so an axis is a sparse
 * matrix; the matrices' rows follow the reference of the ONNX specification (onnx/reference/ops/op_resize.py) in its
 * closed form: weights kernel(|p - x| * s) at the places p round x, s < 1 where antialiasing widens the kernel.
 */
import type { Shaped, SparseRow } from './algebra.ts';
import { row, type OpContext, type Rows } from './row.ts';

type Coordinates = (i: number, a: AxisSpec) => number;

/** One axis that is resized. */
interface AxisSpec {
  from: number;
  to: number;
  scale: number;
  /** Of the region of interest, as fractions. */
  start: number;
  end: number;
}

/** Where output i lies among the inputs. */
const COORDINATES: Readonly<Record<string, Coordinates>> = {
  half_pixel: (i, a) => (i + 0.5) / a.scale - 0.5,
  half_pixel_symmetric: (i, a) => (a.from / 2) * (1 - a.to / (a.scale * a.from)) + (i + 0.5) / a.scale - 0.5,
  pytorch_half_pixel: (i, a) => (a.to > 1 ? (i + 0.5) / a.scale - 0.5 : 0),
  align_corners: (i, a) => (a.to > 1 ? (i * (a.from - 1)) / (a.to - 1) : 0),
  asymmetric: (i, a) => i / a.scale,
  tf_half_pixel_for_nn: (i, a) => (i + 0.5) / a.scale,
  tf_crop_and_resize: (i, a) =>
    (a.from - 1) * (a.to > 1 ? a.start + (i * (a.end - a.start)) / (a.to - 1) : (a.start + a.end) / 2),
};

const NEAREST: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

interface Kernel {
  support: number;
  weight: (distance: number) => number;
}

const linear: Kernel = { support: 1, weight: (d) => Math.max(0, 1 - d) };

/** Keys' cubic convolution. */
const cubic = (a: number): Kernel => ({
  support: 2,
  weight: (d) =>
    d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0,
}); // prettier-ignore

/** Weights of the inputs for an output at x; what lies outside is left out, or counts as the border. */
function weightsAt(x: number, from: number, kernel: Kernel, s: number, excludeOutside: boolean): SparseRow {
  const reach = kernel.support / s;
  const entries = new Map<number, number>();
  let total = 0;
  for (let p = Math.floor(x - reach) + 1; p < x + reach; p++) {
    const inside = Math.min(Math.max(p, 0), from - 1);
    if (excludeOutside && inside !== p) continue;
    const weight = kernel.weight(Math.abs(p - x) * s);
    if (weight === 0) continue;
    entries.set(inside, (entries.get(inside) ?? 0) + weight);
    total += weight;
  }
  for (const [p, weight] of entries) entries.set(p, weight / total);
  return entries;
}

/** How one axis is resized: the rows of its matrix, from the place of each output. */
type Interpolation = (x: number, a: AxisSpec) => SparseRow;

function interpolation<T extends Shaped>(c: OpContext<T>, mode: 'nearest' | 'linear' | 'cubic'): Interpolation {
  if (mode === 'nearest') {
    // Without the attribute (opset 10) places are rounded down.
    const choose = c.opset < 11 ? Math.floor : NEAREST[c.choice('nearest_mode', 'round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil')]!; // prettier-ignore
    return (x, { from }) => new Map([[Math.min(Math.max(choose(x), 0), from - 1), 1]]);
  }
  const kernel = mode === 'linear' ? linear : cubic(c.float('cubic_coeff_a', -0.75));
  const [antialias, exclude] = [c.flag('antialias'), c.flag('exclude_outside')];
  return (x, { from, scale }) => weightsAt(x, from, kernel, antialias ? Math.min(scale, 1) : 1, exclude);
}

/** No picture has more pixels along a side: what a crafted scale asks for above it is not allocated. */
const MAX_EXTENT = 2 ** 16;

const ASPECTS = ['stretch', 'not_larger', 'not_smaller'] as const;

/** Sizes come as scales or as sizes, for all axes or for some; a policy may keep the aspect of these. */
function axisSpecs<T extends Shaped>(c: OpContext<T>, shape: readonly number[]): Map<number, AxisSpec> {
  const axes = c.ints('axes')?.map((axis) => c.axis(axis, shape.length)) ?? [...shape.keys()];
  const old = c.opset < 11;
  const given = (i: number) => (c.numbers(i)?.length ? c.numbers(i) : undefined);
  let scales = old ? (given(1) ?? floatsOf(c, 'scales')) : given(2);
  let sizes = old ? undefined : given(3);
  const policy = c.choice('keep_aspect_ratio_policy', ...ASPECTS);
  if (sizes && sizes.length === axes.length && policy !== 'stretch') {
    const ratios = axes.map((axis, i) => sizes![i]! / shape[axis]!);
    const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
    scales = axes.map(() => scale);
    sizes = axes.map((axis) => Math.floor(scale * shape[axis]! + 0.5));
  }
  if ((sizes ?? scales)?.length !== axes.length) throw c.invalid(`sizes or scales are needed for ${axes.length} axes`);
  const roi = given(1);
  return new Map(
    axes.map((axis, i) => {
      const from = shape[axis]!;
      const to = sizes?.[i] ?? Math.floor(from * scales![i]!);
      if (!(Number.isInteger(to) && to >= 1 && to <= MAX_EXTENT && from >= 1))
        throw c.invalid(`axis ${axis} of ${from} resized to ${to}`);
      return [axis, { from, to, scale: scales?.[i] ?? to / from, start: roi?.[i] ?? 0, end: roi?.[axes.length + i] ?? 1 }]; // prettier-ignore
    }),
  );
}

function floatsOf<T extends Shaped>(c: OpContext<T>, key: string): readonly number[] | undefined {
  const attribute = c.node.attributes.get(key);
  return attribute?.type === 'floats' ? attribute.value : undefined;
}

function resize<T extends Shaped>(c: OpContext<T>): T {
  const { ops } = c;
  let y = c.x(0);
  const mode = c.choice('mode', 'nearest', 'linear', 'bilinear', 'cubic');
  const weigh = interpolation(c, mode === 'bilinear' ? 'linear' : mode);
  const names = Object.keys(COORDINATES) as [string, ...string[]];
  const name = c.opset < 11 ? 'asymmetric' : c.choice('coordinate_transformation_mode', ...names);
  for (const [axis, spec] of axisSpecs(c, y.shape)) {
    const places = Array.from({ length: spec.to }, (_, i) => COORDINATES[name]!(i, spec));
    const outside = name === 'tf_crop_and_resize' ? places.map((x) => x < 0 || x > spec.from - 1) : [];
    if (spec.from === spec.to && places.every((x, i) => x === i)) continue;
    y = ops.alongAxis(y, axis, places.map((x) => weigh(x, spec))); // prettier-ignore
    if (!outside.includes(true)) continue;
    const mask = ops.constant(outside.map(Number), y.shape.map((d, i) => (i === axis ? d : 1))); // prettier-ignore
    y = ops.where(mask, c.number(c.float('extrapolation_value', 0)), y);
  }
  return y;
}

export const RESAMPLING: Rows = {
  Resize: row(resize, { constants: [1, 2, 3] }),
  // As Resize was in opset 10; the scales were an attribute before opset 9.
  Upsample: row(resize, { constants: [1] }),
};
