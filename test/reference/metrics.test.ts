/** Insertion, deletion, infidelity, sensitivity, ROAD and similarity against the peers' own figures. */
import { describe, it } from 'vitest';
import { createExplainer, deletion, infidelity, insertion, road, sensitivityMax, spearman, ssim } from '../../src/explain/index.ts'; // prettier-ignore
import { blurred } from '../../src/explain/metrics/removal.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { shapesModel, golden2, goldenModel } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

describe.skipIf(!dataFolder)('metrics', () => {
  const check = report('Metrics');
  it.each(['mini', 'shapes'])('%s', async (name) => {
    const engine = await testEngine();
    const model = name === 'mini' ? await goldenModel(engine, 'mini-legacy') : await shapesModel(engine);
    const reference = golden2('metrics');
    const tensor = (key: string) => reference.tensor(`${name}.${key}`);
    const value = (key: string) => reference.values[`${name}.${key}`] as Record<string, number>;
    const x = tensor('input');
    const target = reference.values[`${name}.target`] as number;
    const saliency = tensor('saliency');
    const limit = { maxRel: tolerance.miniGradient };

    check(`${name} blurred`, blurred(x, [3, 64, 64]), tensor('blurred'), { maxRel: tolerance.op });
    const gone = await deletion(model, x, saliency, target, { step: 64 });
    check(`${name} deletion`, gone.values, tensor('del.curve'), limit);
    check(`${name} deletion AUC`, [gone.auc], [value('del')['auc']!], limit);
    const come = await insertion(model, x, saliency, target, { step: 64 });
    check(`${name} insertion`, come.values, tensor('ins.curve'), limit);
    check(`${name} insertion AUC`, [come.auc], [value('ins')['auc']!], limit);

    const perturbations = tensor('perturbations');
    for (const [key, multipliesInput] of [
      ['gradient', false],
      ['ig', true],
    ] as const) {
      // prettier-ignore
      const { value: plain, normalized, beta } = await infidelity(model, x, tensor(key), target, { perturbations, multipliesInput }); // prettier-ignore
      const expected = value(`infidelity.${key}`);
      check(`${name} infidelity ${key}`, [plain, normalized, beta], [expected['value']!, expected['normalized']!, expected['beta']!], limit); // prettier-ignore
    }
    using gradient = await createExplainer(model, { method: 'gradient' });
    const changes = tensor('sens.perturbations');
    const { each } = await sensitivityMax(gradient, x, { perturbations: changes, target });
    check(`${name} sensitivity`, each, (value('sensitivity_max') as any).each, { maxRel: tolerance.resnetGradient });

    const map = tensor('cam01');
    for (const percent of [20, 50, 80])
      for (const [key, order] of [
        ['morf', 'most-relevant-first'],
        ['lerf', 'least-relevant-first'],
      ] as const) {
        // prettier-ignore
        const share = value(`road.${key}.${percent}`)['removed']! / 4096;
        const { change, picture } = await road(model, x, map, target, { share, order });
        check(`${name} road ${key} ${percent}`, [change], [value(`road.${key}.${percent}`)['score']!], { maxAbs: tolerance.logits }); // prettier-ignore
        const image = `road.${key}.${percent}.image`;
        if (reference.has(`${name}.${image}`)) check(`${name} ${image}`, picture, tensor(image), limit);
      }

    const before = tensor('original.gradient');
    const after = tensor('randomised.fc.gradient');
    const { gradient: expected } = (reference.values[`${name}.cascade`] as any).results[0];
    const scaled = (v: Float32Array) => {
      const [low, high] = [Math.min(...v), Math.max(...v)];
      return v.map((t) => (t - low) / (high - low));
    };
    check(`${name} spearman`, [spearman(before, after)], [expected.spearman_abs], limit);
    check(`${name} ssim`, [ssim(scaled(before), scaled(after), [64, 64], { range: 1 })], [expected.ssim_win7], limit);
    model.dispose();
  });
});
