/** Activation ascent on ResNet-50 against PyTorch in float64: 20 steps of x + lr g / |g|. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ascend, channel, inputSpace, logit, type Objective } from '../../src/ascent/index.ts';
import type { Model } from '../../src/model/model.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { stepFlops } from '../ascent/step_flops.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { golden, goldenModel, type Golden } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

const gradient = ['normalize'] as const;

/** 21 gradients of ResNet-50 each. */
const timeout = 30 * 60_000;

const objectives: [name: string, objective: Objective][] = [
  ['layer3_ch7', channel('layer3', 7)],
  ['logit_dog', logit('dog')],
];

describe.skipIf(!dataFolder)('ascent on resnet50-coarse', () => {
  const check = report('Activation ascent, resnet50-coarse');
  let model: Model;
  let reference: Golden;

  beforeAll(async () => {
    model = await goldenModel(await testEngine(), 'resnet50-coarse');
    reference = golden('resnet50-coarse-ascent');
  });
  afterAll(() => model.dispose());

  it('one step by a Fourier spectrum with transforms costs at most 2.4 forwards', async () => {
    const forward = await model.engine.compile({ outputs: { logits: model.graph().logits } });
    expect((await stepFlops(model, 1)) / forward.stats.flops).toBeLessThan(2.4);
    forward.dispose();
  });

  describe.each(objectives)('%s', (name, objective) => {
    it.each([1, 64])(
      'lr %i',
      async (lr) => {
        const entry = `${name}_lr${lr}`;
        const image = reference.tensor('seed');
        const curve: number[] = [];
        let first = image;
        let final = image;
        const picture = inputSpace({ free: true });
        const optimizer = sgd({ lr });
        const options = { objective, image, picture, optimizer, gradient, transforms: [], steps: 20 };
        for await (const frame of ascend(model, options)) {
          curve.push(frame.objective);
          if (frame.step === 1) first = await frame.image();
          if (frame.step === 20) final = await frame.image();
        }
        const step = first.map((v, i) => v - image[i]!);
        const expected = reference.tensor(`${entry}.first_gradient`);
        const length = Math.hypot(
          ...Array.from({ length: 3 }, (_, c) => Math.hypot(...expected.subarray(c * 50176, (c + 1) * 50176))),
        );
        const wanted = expected.map((g) => (lr * g) / length);
        // At lr 1 a step is 1e-5 of the picture: reading it as a difference of f32 pictures costs three digits.
        const stepLimit = { relL2: tolerance.ascentStep, cosine: tolerance.cosine };
        check(`${entry} first step`, step, wanted, stepLimit);
        const start = reference.values[`${entry}.objective_start`] as number;
        const after = reference.values[`${entry}.objective_after_step`] as number[];
        const curveLimit = { maxRel: lr === 1 ? tolerance.ascentCurve : tolerance.ascentCurveDrifting };
        check(`${entry} objective`, curve, [start, ...after], curveLimit);
        const imageLimit = { relL2: lr === 1 ? tolerance.ascentImage : tolerance.ascentImageDrifting };
        check(`${entry} final image`, final, reference.tensor(`${entry}.final_image`), imageLimit);
      },
      timeout,
    );
  });
});
