/** What one step of a default ascent of `n` pictures costs, counted. */
import { expect } from 'vitest';
import { fourier, logit, lucidTransforms, pixelSpace } from '../../src/ascent/index.ts';
import { compileStep } from '../../src/ascent/compile.ts';
import type { Model } from '../../src/model/model.ts';
import { Random } from '../../src/random.ts';

export async function stepFlops(model: Model, n: number): Promise<number> {
  const request = { shape: [n, ...model.pictureShape] as const, space: pixelSpace(model) };
  const picture = fourier();
  const randoms = Array.from({ length: n }, (_, i) => new Random(i));
  const step = await compileStep(model, {
    objectives: Array.from({ length: n }, () => logit(0)),
    drawn: picture.build({ ...request, randoms, start: undefined }),
    space: request.space,
    transforms: lucidTransforms(model.pictureShape[1]),
    ...picture.climb(request),
    lr: 0.05,
    relu: 'plain',
    signal: undefined,
  });
  const { plan, stats } = step.program;
  // Nothing comes back from a run.
  expect(plan.outputs.size).toBe(0);
  step.dispose();
  return stats.flops;
}
