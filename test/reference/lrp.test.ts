/** Relevance propagation of the mini models, the embedded model and ResNet-50 against float64. */
import { describe, it } from 'vitest';
import { explain, type MethodOptions } from '../../src/explain/index.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { shapesModel, golden, golden2, goldenModel } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { tolerance } from '../tolerance.ts';

const timeout = 30 * 60_000;
type Lrp = Omit<Extract<MethodOptions, { method: 'lrp' }>, 'method'>;

const sets: [entry: string, options: Lrp][] = [
  ['epsilon0', { rule: 'epsilon', epsilon: 1e-9 }],
  ['epsilon', { rule: 'epsilon', headEpsilon: 0.01 }],
  ['epsilon.abs', { rule: 'epsilon', headEpsilon: 0.01, join: 'absolute' }],
  ['gamma', { rule: 'gamma', join: 'positive' }],
  ['gamma_captum', { rule: 'gamma-captum', first: 'epsilon', epsilon: 1e-9 }],
  ['alphabeta21', { rule: 'alpha-beta', join: 'positive' }],
  ['alphabeta10', { rule: 'alpha-beta', alpha: 1, join: 'positive' }],
  ['zplus', { rule: 'z-plus', join: 'positive' }],
  ['zplus.box', { rule: 'z-plus', first: 'box', join: 'positive' }],
  ['zplus.conserving', { rule: 'z-plus', first: 'box', head: 'z-plus', join: 'positive' }],
  ['wplus_captum', { rule: 'w-plus', first: 'epsilon', epsilon: 1e-9 }],
  ['epsilon.wsquare', { rule: 'epsilon', first: 'w-square', headEpsilon: 0.01 }],
  ['epsilon.flat', { rule: 'epsilon', first: 'flat', headEpsilon: 0.01 }],
  ['composite', { rule: 'gamma', first: 'box', headEpsilon: 0.01, join: 'absolute' }],
];

describe.skipIf(!dataFolder)('layer-wise relevance propagation', () => {
  const check = report('LRP');
  it.each(['mini', 'shapes'])('%s', async (name) => {
    const engine = await testEngine();
    const model = name === 'mini' ? await goldenModel(engine, 'mini-legacy') : await shapesModel(engine);
    const reference = golden2('lrp');
    const x = reference.tensor(`${name}.input`);
    const target = reference.values[`${name}.target`] as number;
    const { low, high } = reference.values[`${name}.box`] as Record<'low' | 'high', number[]>;
    const box = { low: Float32Array.from(low), high: Float32Array.from(high) };
    for (const [entry, options] of sets) {
      const { map } = await explain(model, x, { method: 'lrp', target, ...box, ...options });
      // Captum's gamma is ill-conditioned: f32 PyTorch itself is off by up to 6e-3.
      const relL2 = entry === 'gamma_captum' ? tolerance.illConditioned : tolerance.miniGradient;
      check(`${name}.${entry}`, map, reference.tensor(`${name}.${entry}`), { relL2 });
      if (!reference.has(`${name}.${entry}.layer3`)) continue;
      const layer = await explain(model, x, { method: 'lrp', target, ...box, ...options, layer: 'layer3' });
      check(`${name}.${entry}.layer3`, layer.map, reference.tensor(`${name}.${entry}.layer3`), { relL2 });
    }
    model.dispose();
  }, timeout); // prettier-ignore

  it('resnet50-coarse, photograph 0', async () => {
    const model = await goldenModel(await testEngine(), 'resnet50-coarse');
    const reference = golden2('lrp');
    const x = golden('resnet50-coarse-forward').tensor('input').subarray(0, 3 * 224 * 224);
    const target = reference.values['p0.target'] as number;
    for (const [entry, options] of sets.filter(([entry]) => ['epsilon', 'zplus.conserving'].includes(entry))) {
      const { map } = await explain(model, x, { method: 'lrp', target, ...options });
      check(`p0.${entry}`, map, reference.tensor(`p0.${entry}`), { relL2: tolerance.resnetGradient });
    }
    model.dispose();
  }, timeout); // prettier-ignore
});
