/**
 * Guided integrated gradients: the path from the baseline b to the picture x moves first the values whose gradient is
 * smallest, so that it stays clear of places where the score saturates or shakes: R = sum over moves of g (x' - x''),
 * g the gradient where the step began. (Kapishnikov, Venugopalan, Avci, Wedin, Terry, Bolukbasi 2021,
 * arXiv:2106.09788.) Every step takes 1 / steps off the distance |x - b|_1 that is left at the beginning; no value may
 * be further than `maxDistance` of its way from the straight path.
 */
import { grad } from '../../autograd/grad.ts';
import { WgradError } from '../../errors.ts';
import { sizeOf } from '../../graph/shape.ts';
import { sum } from '../../ops/reduce.ts';
import { count, floats, fraction } from '../../options.ts';
import { readBaselines } from '../baselines.ts';
import { completeness } from '../errors.ts';
import { Pulse } from '../pulse.ts';
import { defineMethod } from '../types.ts';

export const guidedIg = defineMethod({
  summary: 'gradients along a path that moves the values of small gradient first',
  options: {
    steps: count(200, 'gradients along the path'),
    fraction: fraction(0.25, 'share of the values that a move takes, those of the smallest gradients'),
    maxDistance: fraction(0.02, 'how far from the straight path a value may be, as a share of its way'),
    baseline: floats("picture [C,H,W] in input space that stands for 'nothing' (default: zeros)"),
  },
  target: 'one',
  cost: ({ steps }) => ({ gradients: steps + 2 }),
  async compile(model, score, { steps, fraction, maxDistance, ...options }, control) {
    const shape = model.pictureShape;
    const { pictures: baseline } = readBaselines('guided-ig', options.baseline, shape);
    if (baseline.length !== sizeOf(shape)) throw new WgradError('shape', 'guided-ig takes one baseline');
    const { graph, scores } = score({ batch: 1 });
    const [gradient] = grad(sum(scores), [graph.input]);
    const program = await model.engine.compile({ outputs: { gradient: gradient!, scores } }, control);
    return {
      async run({ pixels, feeds, signal, onProgress, onPartial }) {
        const at = (x: ArrayLike<number>) =>
          program.run({ [model.inputName]: Float32Array.from(x), ...feeds }, { signal });
        const path = new GuidedPath(pixels, baseline, { fraction, maxDistance });
        const score = (await at(pixels)).scores[0]!;
        const from = (await at(baseline)).scores[0]!;
        const pulse = new Pulse();
        for (let k = 0; k < steps && path.length > 0; k++) {
          const { gradient } = await at(path.x);
          path.step(gradient, (k + 1) / steps);
          onProgress?.({ done: k + 1, total: steps });
          if (k + 1 < steps && onPartial && pulse.due()) onPartial({ map: Float32Array.from(path.map), shape });
        }
        const map = Float32Array.from(path.map);
        return { map, shape, score, error: completeness(map, score - from) };
      },
      dispose: () => program.dispose(),
    };
  },
});

/** Where the path is, and what its moves have added up to. In float64: a step ends when a sum of distances is met. */
class GuidedPath {
  readonly x: Float64Array;
  readonly map: Float64Array;
  /** |x - b|_1 */
  readonly length: number;

  constructor(
    private readonly end: Float32Array,
    private readonly start: Float32Array,
    private readonly options: { fraction: number; maxDistance: number },
  ) {
    this.x = Float64Array.from(start);
    this.map = new Float64Array(start.length);
    this.length = this.left();
  }

  /** On the straight path. */
  private straight(i: number, alpha: number): number {
    return this.start[i]! + (this.end[i]! - this.start[i]!) * alpha;
  }

  private left(): number {
    let sum = 0;
    for (let i = 0; i < this.x.length; i++) sum += Math.abs(this.x[i]! - this.end[i]!);
    return sum;
  }

  private move(i: number, to: number, gradient: Float32Array): void {
    this.map[i]! += (to - this.x[i]!) * gradient[i]!;
    this.x[i] = to;
  }

  /** @param alpha share of the distance that is behind the path after this step. */
  step(gradient: Float32Array, alpha: number): void {
    const { x } = this;
    const lowest = Math.max(alpha - this.options.maxDistance, 0);
    const furthest = Math.min(alpha + this.options.maxDistance, 1);
    const target = this.length * (1 - alpha);
    // Behind the band: to its edge.
    for (let i = 0; i < x.length; i++) {
      const way = this.end[i]! - this.start[i]!;
      if (way !== 0 && (x[i]! - this.start[i]!) / way < lowest) this.move(i, this.straight(i, lowest), gradient);
    }
    const sizes = Float64Array.from(gradient, Math.abs);
    for (;;) {
      const over = this.left() - target;
      if (over <= 1e-9 * Math.max(1, target)) return;
      // Values at the end of the band have no way left to go.
      for (let i = 0; i < x.length; i++) if (x[i] === this.straight(i, furthest)) sizes[i] = Infinity;
      const limit = lowerQuantile(sizes, this.options.fraction);
      if (limit === Infinity) return;
      let reach = 0;
      const chosen: number[] = [];
      for (let i = 0; i < x.length; i++) {
        if (sizes[i]! > limit) continue;
        chosen.push(i);
        reach += Math.abs(this.straight(i, furthest) - x[i]!);
      }
      const share = over / reach;
      for (const i of chosen) {
        const end = this.straight(i, furthest);
        this.move(i, share >= 1 ? end : x[i]! + (end - x[i]!) * share, gradient);
      }
      if (share <= 1) return;
    }
  }
}

/** The value below which a share of all lies, one of them; Infinity where fewer than that are finite. */
function lowerQuantile(values: Float64Array, share: number): number {
  const sorted = values.slice().sort();
  const at = sorted[Math.floor(share * (values.length - 1))]!;
  return at < Infinity || sorted[0] === Infinity ? at : sorted.findLast((v) => v < Infinity)!;
}
