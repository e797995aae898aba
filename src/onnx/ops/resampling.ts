/** Resize and Upsample: sizes, scales and regions as ONNX states them; places and weights are those of src/ops/resize.ts. */
import { resizeCoordinates, resizePlaces, resizeRoundings, resizeRows, type Interpolation, type ResizedAxis } from '../../ops/resize.ts'; // prettier-ignore
import type { Shaped } from './algebra.ts';
import { row, type OpContext, type Rows } from './row.ts';

/** Of the region of interest, as fractions. */
interface Axis extends ResizedAxis {
  start: number;
  end: number;
}

/** Places of tf_crop_and_resize: the output is the region. */
const cropPlaces = ({ from, to, start, end }: Axis): number[] =>
  Array.from(
    { length: to },
    (_, i) => (from - 1) * (to > 1 ? start + (i * (end - start)) / (to - 1) : (start + end) / 2),
  );

function interpolation<T extends Shaped>(c: OpContext<T>): Interpolation {
  return {
    mode: c.choice('mode', 'nearest', 'linear', 'bilinear', 'cubic'),
    // Without the attribute (opset 10) places are rounded down.
    rounding: c.opset < 11 ? 'floor' : c.choice('nearest_mode', 'round_prefer_floor', ...resizeRoundings),
    antialias: c.flag('antialias'),
    cubicCoefficient: c.float('cubic_coeff_a', -0.75),
    excludeOutside: c.flag('exclude_outside'),
  };
}

/** No picture has more pixels along a side: what a crafted scale asks for above it is not allocated. */
const MAX_EXTENT = 2 ** 16;

const ASPECTS = ['stretch', 'not_larger', 'not_smaller'] as const;

/** Sizes come as scales or as sizes, for all axes or for some; a policy may keep the aspect of these. */
function axesOf<T extends Shaped>(c: OpContext<T>, shape: readonly number[]): Map<number, Axis> {
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
      return [axis, { from, to, scale: scales?.[i], start: roi?.[i] ?? 0, end: roi?.[axes.length + i] ?? 1 }]; // prettier-ignore
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
  const how = interpolation(c);
  const crop = 'tf_crop_and_resize';
  const coordinates =
    c.opset < 11 ? 'asymmetric' : c.choice('coordinate_transformation_mode', 'half_pixel', ...resizeCoordinates, crop);
  for (const [axis, spec] of axesOf(c, y.shape)) {
    const places = coordinates === crop ? cropPlaces(spec) : resizePlaces(spec, coordinates);
    const outside = coordinates === crop ? places.map((x) => x < 0 || x > spec.from - 1) : [];
    if (spec.from === spec.to && places.every((x, i) => x === i)) continue;
    y = ops.alongAxis(y, axis, resizeRows(places, spec, how));
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
