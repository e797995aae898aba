/** Feature visualisation against float64 formulas of Lucid and keras-vis: pictures, transforms, penalties, objectives, ascents. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as ascent from '../../src/ascent/index.ts';
import { imagenetColours, toRgb } from '../../src/ascent/picture/colours.ts';
import { amplitudes, spectrumToPixels } from '../../src/ascent/picture/fourier.ts';
import { columnsOf, spectrumIndex, spectrumSize } from '../../src/ascent/picture/fft.ts';
import { sceneOf } from '../../src/ascent/scene.ts';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input, Variable } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { mul } from '../../src/ops/binary.ts';
import { pad } from '../../src/ops/pad.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { PLACE, warp } from '../../src/ops/warp.ts';
import { adam, rmsprop } from '../../src/train/optimizers.ts';
import { compose, offset, place, type Affine, type ValueTransform } from '../../src/transforms/index.ts';
import { evaluate, mirrorModel } from '../ascent/scene.ts';
import { dataFolder } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { golden2, goldenModel, type Golden } from '../support/golden.ts';
import { report } from '../support/report.ts';
import { compare, tolerance } from '../tolerance.ts';

/** [C,h,columns,2] as the library stores it [C, spectrumSize]; what a real picture of that width has not is dropped. */
function stored(values: ArrayLike<number>, channels: number, h: number, w: number, given: number): Float32Array {
  const out = new Float32Array(channels * spectrumSize(h, w));
  for (let c = 0; c < channels; c++)
    for (let u = 0; u < h; u++)
      for (let v = 0; v < columnsOf(w); v++)
        for (const part of [0, 1] as const)
          out[c * spectrumSize(h, w) + spectrumIndex(u, v, part, h)] = values[((c * h + u) * given + v) * 2 + part]!;
  return out;
}

const rotation = (degrees: number, h: number, w: number): Affine => {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const [y, x] = [(h - 1) / 2, (w - 1) / 2];
  return [c, s, y - c * y - s * x, -s, c, x + s * y - c * x];
};

/** Rows and columns of the source for a result of another size, half-pixel centres. */
const resizing = (from: readonly [number, number], to: readonly [number, number]): Affine => {
  const [sy, sx] = [from[0] / to[0], from[1] / to[1]];
  return [sy, 0, 0.5 * sy - 0.5, 0, sx, 0.5 * sx - 0.5];
};

interface Stored {
  j1: [number, number];
  scale: number;
  angle: number;
  j2: [number, number];
}

/** The stored chain on pictures of 64 pixels: pad, jitter, scale and rotate by two samplings, crop. */
function chain(steps: readonly Stored[]): ValueTransform {
  const places = ({ j1, scale, angle, j2 }: Stored): [number[], number[]] => {
    const side = Math.floor(80 * scale + 1e-9);
    const first = compose(offset(...j1), resizing([80, 80], [side, side]));
    const centre = Math.floor((side - 4 - 64) / 2);
    const second = compose(rotation(angle, side, side), offset(j2[0] + centre, j2[1] + centre));
    return [[...first, j1[0], j1[0] + 79, j1[1], j1[1] + 79], place(second, [side, side])];
  };
  let at = 0;
  return {
    name: 'stored',
    build(x, id) {
      const [one, two] = [input(`${id}.one`, [1, PLACE]), input(`${id}.two`, [1, PLACE])];
      const padded = pad(x, [0, 0, 12, 12], [0, 0, 12, 12], 0.5);
      const y = warp(warp(padded, one, [88, 88], { border: 'edge' }), two, [64, 64]);
      return {
        y,
        draw() {
          const [a, b] = places(steps[Math.min(at++, steps.length - 1)]!);
          return { [`${id}.one`]: a, [`${id}.two`]: b };
        },
      };
    },
  };
}

describe.skipIf(!dataFolder)('feature visualisation', () => {
  const check = report('Feature visualisation, golden2');
  let reference: Golden;
  let mini: Model;

  beforeAll(async () => {
    reference = golden2('featurevis');
    mini = await goldenModel(await testEngine(), 'mini-legacy');
  });
  afterAll(() => mini.dispose());

  it.each([['even', 64, 64, 33], ['rect', 12, 20, 11], ['odd', 15, 17, 10]] as const)('the Fourier picture, %s', async (name, h, w, given) => {
    const entry = `fft.${name}`;
    const size = spectrumSize(h, w);
    const spectrum = stored(reference.tensor(`${entry}.spectrum`), 3, h, w, given);
    const x = input('spectrum', [3, size]);
    const rgb = spectrumToPixels(x, [1, 3, h, w], {});
    const cotangent = constant(reference.tensor(`${entry}.cotangent`), [1, 3, h, w]);
    const [gradient] = grad(sum(mul(rgb, cotangent)), [x]);
    const result = await (await testEngine()).evaluate({ rgb, gradient: gradient! }, { spectrum });
    check(`${entry} picture`, result.rgb, reference.tensor(`${entry}.rgb`), { maxRel: tolerance.op });
    const wanted = stored(reference.tensor(`${entry}.grad`), 3, h, w, given);
    check(`${entry} gradient`, result.gradient, wanted, { relL2: tolerance.longSum });
    const scale = stored(Float32Array.from({ length: h * given * 2 }, (_, i) => reference.tensor(`${entry}.scale`)[i >> 1]!), 1, h, w, given);
    check(`${entry} scale`, amplitudes([h, w], 1), scale, { maxRel: tolerance.op });
  }); // prettier-ignore

  it('colours', async () => {
    check('colour matrix', imagenetColours, reference.tensor('color.matrix'), { maxRel: tolerance.op });
    const raw = constant(reference.tensor('pixel.params'), [1, 3, 9, 11]);
    const result = await (
      await testEngine()
    ).evaluate({ sigmoid: toRgb(raw, {}), clip: toRgb(raw, { range: 'clip' }) });
    check('pixels through a sigmoid', result.sigmoid, reference.tensor('pixel.rgb'), { maxRel: tolerance.op });
    check('pixels, clipped', result.clip, reference.tensor('pixel.rgb_clip'), { maxRel: tolerance.op });
  });

  it.each<[string, number[], [number, number], 'fill' | 'edge']>([
    ['resize_half', place(resizing([20, 26], [23, 29]), [20, 26]), [23, 29], 'edge'],
    ['resize_tf1', place([20 / 23, 0, 0, 0, 26 / 29, 0], [20, 26]), [23, 29], 'edge'],
    ['resize_corners', place([19 / 22, 0, 0, 0, 25 / 28, 0], [20, 26]), [23, 29], 'edge'],
    ['resize_down_half', place(resizing([20, 26], [17, 22]), [20, 26]), [17, 22], 'edge'],
    ['rotate7', place(rotation(7, 20, 26), [20, 26]), [20, 26], 'fill'],
    ['crop_or_pad', place(offset(2, -2), [20, 26]), [15, 31], 'fill'],
  ])('the transform %s', async (name, row, size, border) => {
    const x = input('x', [1, 3, 20, 26]);
    const y = warp(x, constant(row, [1, PLACE]), size, { border });
    const cotangent = constant(reference.tensor(`tf.${name}.cotangent`), [1, 3, ...size]);
    const [gradient] = grad(sum(mul(y, cotangent)), [x]);
    const feeds = { x: reference.tensor('tf.image') };
    const result = await (await testEngine()).evaluate({ y, gradient: gradient! }, feeds);
    check(`${name}`, result.y, reference.tensor(`tf.${name}.out`), { maxRel: tolerance.op });
    check(`${name} gradient`, result.gradient, reference.tensor(`tf.${name}.grad`), { maxRel: tolerance.op });
  });

  const { totalVariation, lp, edges, l1, l2 } = ascent;
  it.each<[string, ascent.Objective]>([
    ['tv2_w10', totalVariation().times(10)],
    ['tv1.5', totalVariation({ beta: 1.5 })],
    ['lp6_w10', lp(6).times(10)],
    ['lp2', lp(2)],
    ['tf_total_variation', edges()],
    ['lucid_L1_c0.5', l1()],
    ['lucid_L2', l2({ centre: 0 })],
  ])('the penalty %s', async (name, objective) => {
    const model = await mirrorModel([3, 16, 20]);
    const { score, gradient } = await evaluate(model, objective, reference.tensor('reg.image'), 1);
    check(`${name} value`, score, [reference.values[`reg.${name}`] as number], { maxRel: tolerance.longSum });
    check(`${name} gradient`, gradient, reference.tensor(`reg.${name}.grad`), { relL2: tolerance.longSum });
  });

  describe('objectives', () => {
    const acts = () => reference.tensor('obj.acts');
    const vector = () => reference.tensor('obj.vec');
    const each: [string, () => ascent.Objective][] = [
      ['diversity', () => ascent.diversity('maps')],
      ['alignment', () => ascent.alignment('maps').negated()],
      ['direction_pow0', () => ascent.direction('maps', vector())],
      ['direction_pow1', () => ascent.direction('maps', vector(), 1)],
      ['direction_pow2', () => ascent.direction('maps', vector(), 2)],
      ['direction_neuron_pow1', () => ascent.directionNeuron('maps', vector(), { power: 1 })],
      ['lucent_direction', () => ascent.cosine('maps', vector())],
      ['deepdream', () => ascent.layer('maps')],
      ['channel3', () => ascent.channel('maps', 3)],
      ['neuron3', () => ascent.neuron('maps', 3)],
    ];
    it.each(each)('%s', async (name, make) => {
      const model = await mirrorModel([12, 5, 6]);
      const mean_ = ascent.objective('mean', (s) => mean(make().build(s)));
      const { score, gradient } = await evaluate(model, mean_, acts(), 4);
      check(`${name} value`, score.slice(0, 1), [reference.values[`obj.${name}`] as number], {
        maxRel: tolerance.longSum,
      });
      check(`${name} gradient`, gradient, reference.tensor(`obj.${name}.grad`), { relL2: tolerance.longSum });
    });

    it.each([['b1_pow0', 1, 0], ['b1_pow1', 1, 1], ['b2_pow2', 2, 2]] as const)('caricature %s', async (name, at, power) => {
      const model = await mirrorModel([12, 5, 6]);
      const [first, drawn] = [acts().slice(0, 360), acts().slice(360 * at, 360 * (at + 1))];
      const { score, gradient } = await evaluate(model, ascent.caricature('maps', first, power), drawn, 1);
      check(`caricature ${name} value`, score, [reference.values[`obj.caricature_${name}`] as number], { maxRel: tolerance.longSum });
      const wanted = reference.tensor(`obj.caricature_${name}.grad`).subarray(360 * at, 360 * (at + 1));
      check(`caricature ${name} gradient`, gradient, wanted, { relL2: tolerance.longSum });
    }); // prettier-ignore

    it.each<[string, () => ascent.Objective]>([
      ['diversity', () => ascent.diversity('layer3')],
      ['alignment', () => ascent.alignment('layer3').negated()],
    ])('%s through a network', async (name, make) => {
      const x = input('x', [4, 3, 64, 64]);
      const score = make().build(sceneOf(mini, mini.graph({ input: x }), { pixels: x, input: x }));
      const [gradient] = grad(sum(score), [x]);
      const feeds = { x: reference.tensor('model.batch') };
      const result = await mini.engine.evaluate({ score, gradient: gradient! }, feeds);
      check(`layer3 ${name} value`, result.score, [reference.values[`model.layer3.${name}`] as number], { maxRel: tolerance.longSum });
      check(`layer3 ${name} gradient`, result.gradient, reference.tensor(`model.layer3.${name}.grad`), { relL2: tolerance.miniGradient });
    }); // prettier-ignore
  });

  describe.each([
    ['layer3', 14],
    ['layer2', 32],
  ] as const)('ascent of %s', (layer, k) => {
    const given: ascent.Parametrization = {
      name: 'given',
      build({ shape }) {
        const size = spectrumSize(64, 64);
        const v = new Variable('spectrum', [1, 3 * size], stored(reference.tensor(`ascent.${layer}.spectrum0`), 3, 64, 64, 33));
        const planes: Tensor = reshape(v.tensor, [3, size]);
        return { variables: [v], pixels: spectrumToPixels(planes, shape, {}) };
      },
      climb: () => ({ optimizer: adam({ lr: 0.05 }), gradient: [] }),
    }; // prettier-ignore

    it.each([true, false])('Adam on the spectrum, with the stored transforms: %s', async (moved) => {
      const entry = `${moved ? 'ascent' : 'ascent_plain'}.${layer}`;
      const steps = (reference.values[`ascent.${layer}`] as { transforms: Stored[] }).transforms;
      const transforms = moved ? [chain(steps)] : [];
      const ties = !moved && layer === 'layer3';
      const curve: number[] = [];
      const run = ascent.ascend(mini, { objective: ascent.channel(layer, k), picture: given, transforms, steps: 20 });
      for await (const frame of run) {
        curve.push(frame.objective);
        const name = `${entry}.rgb${frame.step}`;
        if (reference.has(name)) check(name, await frame.pixels(), reference.tensor(name), {
            relL2: ties ? tolerance.ascentFlipped : tolerance.ascentImage,
          });
      }
      const wanted = (reference.values[entry] as { objective: number[] }).objective;
      check(`${entry} objective`, curve, wanted, { maxRel: ties ? tolerance.ascentCurve : tolerance.longSum });
    }); // prettier-ignore
  });

  it("keras-vis's ascent: RMSProp on the normalised gradient, total variation and Lp on the input", async () => {
    const seed = reference.tensor('kv.seed');
    const { losses } = reference.values['kv'] as { losses: [number, number, number][] };
    const of = 'input';
    const objective = ascent.logit(3).minus(lp(6, { of }).times(10)).minus(totalVariation({ of }).times(10)); // prettier-ignore
    const optimizer = rmsprop({ lr: 1, alpha: 0.95, eps: 1e-7, epsInRoot: true });
    const picture = ascent.inputSpace({ free: true });
    const options = { objective, optimizer, picture, gradient: ['normalize'] as const, transforms: [], image: seed };
    const curve: number[] = [];
    for await (const frame of ascent.ascend(mini, { ...options, steps: 10 })) {
      curve.push(-frame.objective);
      if (frame.step === 0) expect(frame.gradients[0]).toBeGreaterThan(0);
      if (frame.step === 1) check('kv step 1', await frame.image(), reference.tensor('kv.step1'), { relL2: tolerance.miniGradient });
      if (frame.step === 10) check('kv final', await frame.image(), reference.tensor('kv.final'), { relL2: tolerance.adamSteps });
    }
    const totals = losses.map((terms) => terms.reduce((a, b) => a + b, 0));
    check('kv loss', curve.slice(0, 10), totals, { maxRel: tolerance.miniGradient });
    expect(compare(curve.slice(0, 1), totals.slice(0, 1)).maxRel).toBeLessThan(tolerance.longSum);
  }); // prettier-ignore
});
