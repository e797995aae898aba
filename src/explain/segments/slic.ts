/**
 * SLIC (Achanta et al. 2012, "SLIC superpixels compared to state-of-the-art superpixel methods"): k-means of colour and
 * place, from seeds on a grid, each within two steps of its centre; then pieces that hang apart become segments of their
 * own, or part of a neighbour where they are small. As scikit-image: 10 iterations; the picture stretched to 0..1 by its
 * own minimum and maximum, Lab, then blurred, over `compactness`; the seeds' colour is black at first.
 */
import type { Pace } from '../../pace.ts';
import { blur, toLab, type Colors } from './picture.ts';

export interface SlicOptions {
  /** About so many. */
  segments: number;
  compactness: number;
  sigma: number;
}

const ITERATIONS = 10;

export async function slic(picture: Colors, options: SlicOptions, pace: Pace): Promise<Int32Array> {
  const { width, height } = picture;
  const { data } = blur(toLab(stretched(picture)), options.sigma);
  const colors = data.map((v) => v * (1 / options.compactness));
  const seeds = grid(height, width, options.segments);
  const centres = seedCentres(seeds, height, width);
  const nearest = await cluster({ width, height, data: colors }, centres, Math.max(seeds.y.step, seeds.x.step), pace);
  const size = (width * height) / centres.length;
  return connected(nearest, width, height, Math.trunc(0.5 * size), Math.trunc(3 * size));
}

function stretched({ width, height, data }: Colors): Colors {
  let [low, high] = [Infinity, -Infinity];
  for (const v of data) [low, high] = [Math.min(low, v), Math.max(high, v)];
  const range = high === low ? 1 : high - low;
  return { width, height, data: data.map((v) => (v - low) / range) };
}

interface Axis {
  start: number;
  step: number;
}

/** About `count` places, evenly over both axes: an axis shorter than the step gets one. */
function grid(height: number, width: number, count: number): { y: Axis; x: Axis } {
  const axis = (size: number): Axis => ({ start: Math.floor(size / 2), step: roundToEven(size) });
  if (height * width <= count) return { y: { start: 0, step: 1 }, x: { start: 0, step: 1 } };
  const step = Math.sqrt((height * width) / count);
  const [short, long] = [Math.min(height, width), Math.max(height, width)];
  const steps = short < step ? [short, long / count] : [step, step];
  const [y, x] = height <= width ? steps : [steps[1]!, steps[0]!];
  return { y: axis(y!), x: axis(x!) };
}

function roundToEven(v: number): number {
  return v % 1 === 0.5 ? 2 * Math.round(v / 2) : Math.round(v);
}

/** y, x and three colours. */
type Centre = Float64Array;

function seedCentres({ y, x }: { y: Axis; x: Axis }, height: number, width: number): Centre[] {
  const centres: Centre[] = [];
  for (let r = y.start; r < height; r += y.step) {
    for (let c = x.start; c < width; c += x.step) centres.push(Float64Array.of(r, c, 0, 0, 0));
  }
  return centres;
}

/** @returns the nearest centre of each pixel, -1 where none is near. */
async function cluster(picture: Colors, centres: Centre[], step: number, pace: Pace): Promise<Int32Array> {
  const { width, height, data } = picture;
  const nearest = new Int32Array(width * height).fill(-1);
  const distances = new Float64Array(width * height);
  const window = grid(height, width, centres.length);
  const weight = 1 / step ** 2;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    distances.fill(Infinity);
    let changed = false;
    for (const [k, centre] of centres.entries()) {
      await pace.next();
      const [cy, cx, r, g, b] = centre as unknown as [number, number, number, number, number];
      // A centre that has lost all of its pixels is NaN: no pixel is near it.
      const bottom = Math.trunc(Math.min(cy + 2 * window.y.step + 1, height));
      const right = Math.trunc(Math.min(cx + 2 * window.x.step + 1, width));
      for (let y = Math.trunc(Math.max(cy - 2 * window.y.step, 0)); y < bottom; y++) {
        const down = (cy - y) * (cy - y);
        for (let x = Math.trunc(Math.max(cx - 2 * window.x.step, 0)); x < right; x++) {
          const i = y * width + x;
          const [dr, dg, db] = [data[3 * i]! - r, data[3 * i + 1]! - g, data[3 * i + 2]! - b];
          const distance = (down + (cx - x) * (cx - x)) * weight + (dr * dr + dg * dg + db * db);
          if (distance < distances[i]!) {
            distances[i] = distance;
            nearest[i] = k;
            changed = true;
          }
        }
      }
    }
    if (!changed) break;
    recentre(picture, centres, nearest);
  }
  return nearest;
}

function recentre({ width, data }: Colors, centres: Centre[], nearest: Int32Array): void {
  const sizes = new Float64Array(centres.length);
  for (const centre of centres) centre.fill(0);
  for (let i = 0; i < nearest.length; i++) {
    const centre = centres[nearest[i]!];
    if (!centre) continue;
    sizes[nearest[i]!]!++;
    centre[0]! += Math.floor(i / width);
    centre[1]! += i % width;
    for (let c = 0; c < 3; c++) centre[2 + c]! += data[3 * i + c]!;
  }
  for (const [k, centre] of centres.entries()) for (let f = 0; f < 5; f++) centre[f]! /= sizes[k]!;
}

/**
 * Pieces in the order of their first pixels, each searched breadth first (right, left, down, up) up to `most` pixels:
 * one smaller than `least` joins the neighbour that was met last.
 */
function connected(nearest: Int32Array, width: number, height: number, least: number, most: number): Int32Array {
  const labels = new Int32Array(nearest.length).fill(-1);
  let next = 0;
  for (let first = 0; first < nearest.length; first++) {
    if (nearest[first] === -1 || labels[first]! >= 0) continue;
    let neighbour = 0;
    const piece = [first];
    labels[first] = next;
    for (let visited = 0; visited < piece.length && piece.length < most; visited++) {
      const i = piece[visited]!;
      const [y, x] = [Math.floor(i / width), i % width];
      for (const [dy, dx] of [
        [0, 1],
        [0, -1],
        [1, 0],
        [-1, 0],
      ] as const) {
        if (y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) continue;
        const j = i + dy * width + dx;
        if (nearest[j] === nearest[first] && labels[j] === -1) {
          labels[j] = next;
          if (piece.push(j) >= most) break;
        } else if (labels[j]! >= 0 && labels[j] !== next) neighbour = labels[j]!;
      }
    }
    if (piece.length < least) for (const i of piece) labels[i] = neighbour;
    else next++;
  }
  return labels;
}
