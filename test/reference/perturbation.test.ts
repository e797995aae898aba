/** Methods that hide parts of the picture, on the mini models, against float64. */
import { describe, it } from 'vitest';
import { explain } from '../../src/explain/index.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { shapesModel, golden2, goldenModel } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

describe.skipIf(!dataFolder)('perturbation', () => {
  const check = report('Occlusion and RISE');
  it.each(['mini', 'shapes'])('%s', async (name) => {
    const engine = await testEngine();
    const model = name === 'mini' ? await goldenModel(engine, 'mini-legacy') : await shapesModel(engine);
    const reference = golden2('attr-more');
    const x = reference.tensor(`${name}.input`);
    const target = reference.values[`${name}.target`] as number;
    const limit = { relL2: tolerance.miniGradient };

    const a = { window: 9, windowWidth: 11, stride: 5, strideWidth: 7 };
    const wide = await explain(model, x, { method: 'occlusion', target, ...a });
    check(`${name} occlusion a`, wide.map, reference.tensor(`${name}.occlusion.a`), limit);
    const b = await explain(model, x, { method: 'occlusion', target, window: 16, stride: 16, baseline: 1 });
    check(`${name} occlusion b`, b.map, reference.tensor(`${name}.occlusion.b`), limit);

    const saliency = reference.tensor(`${name}.rise.saliency`);
    const grids = reference.tensor(`${name}.rise.grid`);
    const shifts = reference.tensor(`${name}.rise.shift`);
    for (const k of [0, 1]) {
      const classes = (target + k) % model.classes;
      const { map } = await explain(model, x, {
        method: 'rise',
        output: 'probability',
        target: classes,
        grids,
        shifts,
      });
      check(`${name} rise ${k}`, map, saliency.subarray(k * map.length, (k + 1) * map.length), limit);
    }
    model.dispose();
  });
});
