/**
 * Antialiased bilinear resizing, in the manner of PIL's Image.resize(BILINEAR): a triangle filter whose support grows
 * with the reduction, first along rows, then along columns.
 *
 *   out[i] = sum_j w_ij in[j] / sum_j w_ij,   w_ij = max(0, 1 - |j + 1/2 - (i + 1/2) s| / max(s, 1)),   s = in / out
 *
 * 8-bit pictures are rounded to 8 bits after each pass and weights to 22 fractional bits, as PIL does, so the results
 * agree with PIL's bit for bit.
 */
import { WgradError } from '../errors.ts';
import { checkImage, type Box, type Image, type Planes } from './image.ts';

/** The filter along one axis: output i is the sum of weights[i * taps + k] * input[first[i] + k], k < count[i]. */
interface Filter {
  first: Int32Array;
  count: Int32Array;
  weights: Float64Array;
  taps: number;
}

/** For the outputs `from` to `from + length` of `size` outputs over `input` samples. */
function triangle(input: number, size: number, from: number, length: number): Filter {
  const scale = input / size;
  const reach = Math.max(scale, 1);
  const taps = Math.ceil(reach) * 2 + 1;
  const filter = { first: new Int32Array(length), count: new Int32Array(length), weights: new Float64Array(length * taps), taps }; // prettier-ignore
  for (let i = 0; i < length; i++) {
    const centre = (from + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const count = Math.min(input, Math.trunc(centre + reach + 0.5)) - first;
    let total = 0;
    for (let k = 0; k < count; k++) {
      const w = Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / reach));
      filter.weights[i * taps + k] = w;
      total += w;
    }
    for (let k = 0; k < count; k++) filter.weights[i * taps + k]! /= total;
    filter.first[i] = first;
    filter.count[i] = count;
  }
  return filter;
}

const fractionBits = 22;

function toFixedPoint(weights: Float64Array): Int32Array {
  // All weights are positive: round half up.
  return Int32Array.from(weights, (w) => Math.trunc(0.5 + w * 2 ** fractionBits));
}

/**
 * Resizes to width x height; with `window`, computes only that part of the result (the rest would be cropped away).
 *
 * @throws WgradError 'invalid-argument' for extents that are not positive whole numbers.
 */
export function resize(image: Image, width: number, height: number, window?: Box): Image {
  checkImage(image);
  const box = checkWindow(width, height, window);
  if (height === image.height) {
    return { width: box.width, height: box.height, data: alongRows(image, width, box, box.top, box.top + box.height) };
  }
  const down = triangle(image.height, height, box.top, box.height);
  // Only the rows that the second pass reads.
  const firstRow = down.first[0]!;
  const rows = alongRows(image, width, box, firstRow, down.first[box.height - 1]! + down.count[box.height - 1]!);

  const stride = box.width * 3;
  const data = new Uint8ClampedArray(stride * box.height);
  const weights = toFixedPoint(down.weights);
  const sums = new Int32Array(stride);
  for (let y = 0; y < box.height; y++) {
    sums.fill(1 << (fractionBits - 1));
    for (let k = 0; k < down.count[y]!; k++) {
      const w = weights[y * down.taps + k]!;
      const from = (down.first[y]! + k - firstRow) * stride;
      for (let x = 0; x < stride; x++) sums[x]! += w * rows[from + x]!;
    }
    for (let x = 0; x < stride; x++) data[y * stride + x] = sums[x]! >> fractionBits;
  }
  return { width: box.width, height: box.height, data };
}

/** The first pass: rows `firstRow` to `lastRow` of the picture, each brought to the window's columns. */
function alongRows(image: Image, width: number, box: Box, firstRow: number, lastRow: number): Uint8ClampedArray {
  const out = new Uint8ClampedArray((lastRow - firstRow) * box.width * 3);
  if (width === image.width) {
    for (let y = firstRow; y < lastRow; y++) {
      const from = (y * width + box.left) * 3;
      out.set(image.data.subarray(from, from + box.width * 3), (y - firstRow) * box.width * 3);
    }
    return out;
  }
  const across = triangle(image.width, width, box.left, box.width);
  const weights = toFixedPoint(across.weights);
  const { data } = image;
  let to = 0;
  for (let y = firstRow; y < lastRow; y++) {
    for (let x = 0; x < box.width; x++) {
      let [r, g, b] = [1 << (fractionBits - 1), 1 << (fractionBits - 1), 1 << (fractionBits - 1)];
      let from = (y * image.width + across.first[x]!) * 3;
      const end = x * across.taps + across.count[x]!;
      for (let k = x * across.taps; k < end; k++, from += 3) {
        const w = weights[k]!;
        r += w * data[from]!;
        g += w * data[from + 1]!;
        b += w * data[from + 2]!;
      }
      out[to++] = r >> fractionBits;
      out[to++] = g >> fractionBits;
      out[to++] = b >> fractionBits;
    }
  }
  return out;
}

/** The same filter on float planes, without rounding. Enlarging equals bilinear with half-pixel centres. */
export function resizePlanes(planes: Planes, width: number, height: number): Planes {
  checkWindow(width, height);
  const across = triangle(planes.width, width, 0, width);
  const down = triangle(planes.height, height, 0, height);
  const data = new Float32Array(planes.channels * width * height);
  const rows = new Float64Array(planes.height * width);
  for (let c = 0; c < planes.channels; c++) {
    const source = c * planes.width * planes.height;
    for (let y = 0; y < planes.height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let k = 0; k < across.count[x]!; k++) {
          sum += across.weights[x * across.taps + k]! * planes.data[source + y * planes.width + across.first[x]! + k]!;
        }
        rows[y * width + x] = sum;
      }
    }
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let k = 0; k < down.count[y]!; k++) {
          sum += down.weights[y * down.taps + k]! * rows[(down.first[y]! + k) * width + x]!;
        }
        data[(c * height + y) * width + x] = sum;
      }
    }
  }
  return { width, height, channels: planes.channels, data };
}

function checkWindow(width: number, height: number, window?: Box): Box {
  const box = window ?? { left: 0, top: 0, width, height };
  const all = [width, height, box.left, box.top, box.width, box.height];
  const inside = box.left >= 0 && box.top >= 0 && box.left + box.width <= width && box.top + box.height <= height;
  if (!all.every(Number.isInteger) || !inside || box.width < 1 || box.height < 1) {
    const part = window ? `, window ${box.width} x ${box.height} at (${box.left}, ${box.top})` : '';
    throw new WgradError('invalid-argument', `cannot resize to ${width} x ${height}${part}`);
  }
  return box;
}
