/** Checks a graph function's gradients against central differences of its own forward pass. */
import { expect } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import type { Engine } from '../../src/engine.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import type { Shape } from '../../src/graph/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
import { compare, tolerance } from '../tolerance.ts';

export interface GradCheck {
  /** Shapes of the differentiable inputs. */
  shapes: Shape[];
  f: (...inputs: Tensor[]) => Tensor;
  /** Initial values; default: a fixed pseudo-random sequence in [-1, 1] without near-ties. */
  values?: Float32Array[];
  step?: number;
  /** At most this many elements of each input are probed (evenly spread). */
  probes?: number;
  tolerance?: number;
}

/** Values in [-1, 1] of which no two of a tensor are closer than 1 / size: ties would make kinks. */
export function spread(size: number, seed = 1): Float32Array {
  const order = Array.from({ length: size }, (_, i) => i);
  let state = (seed * 2654435761) >>> 0;
  for (let i = size - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  // Away from 0 by more than the step: a kink of ReLU there is no gradient error.
  const apart = (v: number) => Math.sign(v) * (0.05 + 0.95 * Math.abs(v));
  return Float32Array.from(order, (k) => apart((2 * k + 1) / size - 1 + 0.003));
}

/** d sum(f(x) * c) / dx by grad() and by (F(x + h) - F(x - h)) / 2h, for a fixed random c. */
export async function gradcheck(engine: Engine, check: GradCheck): Promise<void> {
  const { shapes, f, step = 1e-2, probes = 24 } = check;
  const inputs = shapes.map((shape, i) => input(`x${i}`, shape));
  const values = check.values ?? inputs.map((t, i) => spread(t.size, i + 1));
  const y = f(...inputs);
  const loss = sum(mul(y, constant(spread(y.size, 99), y.shape)));
  const gradients = grad(loss, inputs);
  const feeds = Object.fromEntries(values.map((v, i) => [`x${i}`, v]));
  const backward = await engine.compile({ outputs: Object.fromEntries(gradients.map((g, i) => [`g${i}`, g])) });
  const needed = Object.entries(feeds).filter(([name]) => backward.plan.inputs.has(name));
  const analytic = await backward.run(Object.fromEntries(needed));
  backward.dispose();
  // The forward values are differenced in float64: the loss itself would lose the digits that matter.
  const forward = await engine.compile({ outputs: { y } });
  const weights = spread(y.size, 99);
  for (let i = 0; i < inputs.length; i++) {
    const picks = Math.min(probes, values[i]!.length);
    const expected: number[] = [];
    const actual: number[] = [];
    for (let p = 0; p < picks; p++) {
      const at = Math.floor((p * values[i]!.length) / picks);
      const shifted = async (h: number) => {
        const moved = values[i]!.slice();
        moved[at]! += h;
        return { x: moved[at]!, y: (await forward.run({ ...feeds, [`x${i}`]: moved })).y };
      };
      const up = await shifted(step);
      const down = await shifted(-step);
      const rise = up.y.reduce((n, v, k) => n + (v - down.y[k]!) * weights[k]!, 0);
      expected.push(rise / (up.x - down.x));
      actual.push(analytic[`g${i}`]![at]!);
    }
    // compare() takes a NaN for right where the reference is NaN; here that would be a probe that measured nothing.
    expect(expected.every(Number.isFinite), `differences at input ${i} are not finite: ${expected.slice(0, 6)}`).toBe(
      true,
    );
    const { maxRel } = compare(actual, expected);
    expect(maxRel, `gradient of input ${i}: ${actual.slice(0, 6)} against ${expected.slice(0, 6)}`).toBeLessThan(
      check.tolerance ?? tolerance.finiteDifference,
    );
  }
  forward.dispose();
}
