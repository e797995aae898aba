/**
 * Felzenszwalb and Huttenlocher 2004, "Efficient graph-based image segmentation": edges between neighbours, cheapest
 * first, join two components C where their cost is below min(Int(C) + scale / |C|), Int the dearest edge within; then
 * those smaller than `minSize` join a neighbour. As scikit-image: RGB from 0 to 1 after a blur, eight neighbours, scale
 * in 1/255.
 */
import type { Pace } from '../../pace.ts';
import { rootOf, treeLabels } from './labels.ts';
import { blur, type Colors } from './picture.ts';

export interface FelzenszwalbOptions {
  scale: number;
  minSize: number;
  sigma: number;
}

/** Pixels a and b of each edge, cheapest first. One blurred picture's edges serve every scale. */
export interface Edges {
  pixels: number;
  from: Int32Array;
  to: Int32Array;
  costs: Float64Array;
}

export async function felzenszwalb(picture: Colors, options: FelzenszwalbOptions, pace: Pace): Promise<Int32Array> {
  return joined(await edgesOf(picture, options.sigma, pace), options, pace);
}

export async function edgesOf(picture: Colors, sigma: number, pace: Pace): Promise<Edges> {
  const { width, height, data } = blur(picture, sigma);
  const [from, to, costs]: [number[], number[], number[]] = [[], [], []];
  // Right, down, down-right, down-left: among equal costs these come first.
  for (const [dy, dx] of [
    [0, 1],
    [1, 0],
    [1, 1],
    [1, -1],
  ] as const) {
    await pace.next();
    for (let y = 0; y < height - dy; y++) {
      for (let x = Math.max(0, -dx); x < Math.min(width, width - dx); x++) {
        const a = y * width + x;
        const b = a + dy * width + dx;
        const [p, q, r] = [0, 1, 2].map((c) => data[3 * a + c]! - data[3 * b + c]!) as [number, number, number];
        from.push(a);
        to.push(b);
        costs.push(Math.sqrt(p * p + q * q + r * r));
      }
    }
  }
  const order = Int32Array.from(costs, (_, i) => i).sort((i, j) => costs[i]! - costs[j]! || i - j);
  await pace.next();
  return {
    pixels: width * height,
    from: order.map((i) => from[i]!),
    to: order.map((i) => to[i]!),
    costs: Float64Array.from(order, (i) => costs[i]!),
  };
}

export async function joined(
  { pixels, from, to, costs }: Edges,
  { scale, minSize }: Omit<FelzenszwalbOptions, 'sigma'>,
  pace: Pace,
): Promise<Int32Array> {
  const parent = Int32Array.from({ length: pixels }, (_, i) => i);
  const sizes = new Float64Array(pixels).fill(1);
  const inner = new Float64Array(pixels);
  /** The root of two components is their smaller one. */
  const join = (a: number, b: number) => {
    const [root, other] = a < b ? [a, b] : [b, a];
    parent[other] = root;
    sizes[root]! += sizes[other]!;
    return root;
  };
  // scikit-image's thresholds are float32.
  const threshold = (root: number) => Math.fround(inner[root]! + scale / 255 / sizes[root]!);
  for (let e = 0; e < costs.length; e++) {
    if (e % 4096 === 0) await pace.next();
    const [a, b] = [rootOf(parent, from[e]!), rootOf(parent, to[e]!)];
    if (a !== b && costs[e]! < Math.min(threshold(a), threshold(b))) inner[join(a, b)] = costs[e]!;
  }
  for (let e = 0; e < costs.length; e++) {
    const [a, b] = [rootOf(parent, from[e]!), rootOf(parent, to[e]!)];
    if (a !== b && Math.min(sizes[a]!, sizes[b]!) < minSize) join(a, b);
  }
  return treeLabels(parent);
}
