/**
 * The table of docs/visualize.md that maps keras-vis to this library: the code of each row runs as it stands there, and
 * gives what keras-vis gives. A row of the page that has no entry here fails, and the other way round.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import { beforeAll, expect, it } from 'vitest';
import * as ascent from '../../src/ascent/index.ts';
import type { AscendOptions, Ascent, Objective } from '../../src/ascent/index.ts';
import { explain, type Attribution } from '../../src/explain/index.ts';
import type { Model } from '../../src/model/model.ts';
import { loadOnnx } from '../../src/onnx/index.ts';
import { rmsprop, sgd } from '../../src/train/optimizers.ts';
import { jitter } from '../../src/transforms/index.ts';
import { f32, model as onnx, node, pattern, value } from '../onnx/builder.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';
import { evaluate } from './scene.ts';

const SIDE = 12;
const preprocess = { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.1] };
const picture = spread(3 * SIDE * SIDE, 4);
const target = 2;

/** Two convolutions, the stages layer3 and layer4; then the mean, a linear layer and a softmax, as Keras's networks end. */
const bytes = onnx({
  inputs: [value('x', ['N', 3, SIDE, SIDE])],
  outputs: [value('y', ['N', 4])],
  nodes: [
    node('Conv', ['x', 'w3'], ['c3'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    node('Relu', ['c3'], ['layer3']),
    node('Conv', ['layer3', 'w4'], ['c4'], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    node('Relu', ['c4'], ['layer4']),
    node('GlobalAveragePool', ['layer4'], ['p']),
    node('Flatten', ['p'], ['f']),
    node('Gemm', ['f', 'fc'], ['s'], {}, 'fc'),
    node('Softmax', ['s'], ['y'], { axis: 1 }),
  ],
  initializers: [f32('w3', [6, 3, 3, 3]), f32('w4', [5, 6, 3, 3], pattern(270, 8)), f32('fc', [5, 4])],
});

let model: Model;
beforeAll(async () => {
  model = await loadOnnx(await testEngine(), bytes, { preprocess });
});

/** The rows of the table: what keras-vis has, and the pieces of code beside it. */
const page = readFileSync(fileURLToPath(new URL('../../docs/visualize.md', import.meta.url)), 'utf8');
const rows = new Map(
  [...page.slice(page.indexOf('## From keras-vis')).matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)]
    .slice(2)
    .map(([, theirs, ours]) => [theirs!, [...ours!.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)]),
);

/** What the names in the table's code stand for. */
const given = { ...ascent, jitter, rmsprop, explain, picture, target, lr: 0.01, k: 1, l: 'layer4', w: 3 };
const evaluated = <T>(code: string, more: object = {}): T => {
  const all: Record<string, unknown> = { ...given, model, ...more };
  return (runInThisContext(`({ ${Object.keys(all).join(', ')} }) => (${code})`) as (scope: object) => T)(all);
};
/** Options as they stand in a cell: `steps: 3`, or several pieces of them. */
const options = (...code: string[]) => evaluated<AscendOptions>(`{ ${code.join(', ')} }`);

const still = { image: picture, transforms: [], picture: ascent.inputSpace({ free: true }) };
const score = ascent.channel('layer4', 1);

/** Each frame's score and picture. */
async function frames(run: Ascent, most = Infinity) {
  const list: { score: number; image: Float32Array }[] = [];
  for await (const frame of run) {
    list.push({ score: frame.objective, image: await frame.image() });
    if (list.length >= most) break;
  }
  return list;
}
const climb = (more: Partial<AscendOptions>) => frames(ascent.ascend(model, { ...still, objective: score, steps: 1, ...more })); // prettier-ignore
/** Of the given picture. */
const scoreOf = async (objective: Objective) => (await climb({ objective, steps: 0 }))[0]!.score;
const slopeOf = async (objective: Objective) => (await evaluate(model, objective, picture, 1)).gradient;
/** What one step of plain ascent adds to the picture. */
async function moved(more: Partial<AscendOptions>): Promise<Float32Array> {
  const [, { image }] = (await climb({ optimizer: sgd({ lr: 1 }), ...more })) as [unknown, { image: Float32Array }];
  return image.map((v, i) => v - picture[i]!);
}
const near = (actual: ArrayLike<number>, expected: ArrayLike<number>) => {
  expect(compare(actual, expected).maxRel).toBeLessThan(tolerance.longSum);
};
const mapOf = async (method: object) => (await explain(model, picture, { ...method, target } as never)) as Attribution; // prettier-ignore

const tests: Record<string, (code: readonly string[]) => Promise<void>> = {
  '`visualize_activation(model, layer, filter_indices)`': async ([ascend, logit]) => {
    const list = await frames(evaluated(ascend!, { layer: 'layer4' }), 12);
    expect(list[11]!.score).toBeGreaterThan(list[0]!.score);
    near([await scoreOf(evaluated(logit!))], [(await model.run(picture)).logits[1]!]);
  },
  '`filter_indices=[1, 2]` (their sum)': async ([sum]) => {
    const each = [await scoreOf(ascent.channel('layer4', 1)), await scoreOf(ascent.channel('layer4', 2))];
    near([await scoreOf(evaluated(sum!))], [each[0]! + each[1]!]);
  },
  '`act_max_weight`': async ([times]) => {
    near([await scoreOf(evaluated(`score${times!}`, { score }))], [3 * (await scoreOf(score))]);
  },
  '`lp_norm_weight=10`, `tv_weight=10`': async ([minus]) => {
    let [powers, cells] = [0, 0];
    picture.forEach((v, i) => {
      powers += v ** 6;
      const [y, x] = [Math.floor(i / SIDE) % SIDE, i % SIDE];
      if (y + 1 < SIDE && x + 1 < SIDE) cells += (picture[i + SIDE]! - v) ** 2 + (picture[i + 1]! - v) ** 2;
    });
    const penalties = (10 * powers ** (1 / 6) + 10 * cells) / picture.length;
    near([await scoreOf(evaluated(`score${minus!}`, { score }))], [(await scoreOf(score)) - penalties]);
  },
  '`input_range`': async ([free]) => {
    const [low, high] = [0, 1].map((edge) => picture.map((_, i) => {
      const c = Math.floor(i / SIDE ** 2);
      return (edge - preprocess.mean[c]!) / preprocess.std[c]!;
    })); // prettier-ignore
    const outside = async (way: AscendOptions['picture']) => {
      const [, end] = await climb({ optimizer: sgd({ lr: 1e6 }), picture: way! });
      return end!.image.filter((v, i) => v < low![i]! - 1e-5 || v > high![i]! + 1e-5).length;
    };
    expect(await outside(ascent.inputSpace())).toBe(0);
    expect(await outside(evaluated(free!))).toBeGreaterThan(50);
  },
  '`seed_input`, `input_modifiers=[Jitter()]`': async ([image, transforms]) => {
    const short = transforms!.replace('jitter(8)', 'jitter(4)');
    const seeded = options(`${image!}: picture`, short, 'picture: inputSpace({ free: true })');
    const list = await climb({ ...seeded, steps: 0 });
    near(list[0]!.image, picture);
    expect(list[0]!.score).not.toBe(await scoreOf(score));
  },
  '`max_iter=200`, `verbose`, `callbacks`': async ([steps]) => {
    expect(await climb(options(`${steps!}: 5`))).toHaveLength(6);
  },
  'RMSProp on the normalised gradient': async (code) => {
    const g = await slopeOf(score);
    const length = Math.hypot(...g);
    const step = g.map((v) => (0.01 * v) / length / Math.sqrt(0.05 * (v / length) ** 2 + 1e-7));
    const [, end] = await climb(options(...code));
    // Where the step meets no edge of the range.
    const inside = (i: number) => {
      const c = Math.floor(i / SIDE ** 2);
      const pixel = (picture[i]! + step[i]!) * preprocess.std[c]! + preprocess.mean[c]!;
      return pixel > 0.01 && pixel < 0.99;
    };
    const kept = [...picture.keys()].filter(inside);
    expect(kept.length).toBeGreaterThan(picture.length * 0.9);
    near(kept.map((i) => end!.image[i]!), kept.map((i) => picture[i]! + step[i]!)); // prettier-ignore
  },
  "`grad_modifier='absolute'`, `'negate'`, `'relu'`, `'small_values'`": async ([absolute]) => {
    const g = await slopeOf(score);
    near(await moved(options(absolute!)), g.map(Math.abs));
    near(await moved(options(absolute!.replace('absolute', 'negate'))), g.map((v) => -v)); // prettier-ignore
    near(await moved(options(absolute!.replace('absolute', 'relu'))), g.map((v) => Math.max(v, 0))); // prettier-ignore
  },
  "`backprop_modifier='guided'`, `'rectified'`": async ([guided, rectified]) => {
    const logit = { objective: ascent.logit(target) };
    near(await moved({ ...logit, ...options(guided!) }), (await mapOf({ method: 'guided-backprop' })).map);
    near(await moved({ ...logit, ...options(`relu: ${rectified!}`) }), (await mapOf({ method: 'deconvnet' })).map);
    expect(await moved(logit)).not.toEqual(await moved({ ...logit, ...options(guided!) }));
  },
  'replacing the softmax by a linear activation': async ([name]) => {
    expect(model.roles.scores).toMatchObject({ tail: 'softmax' });
    const { logits } = await model.run(picture);
    near([await scoreOf(evaluated(`${name!}(target)`))], [logits[target]!]);
  },
  'the best image of all steps': async ([best]) => {
    // Downhill: the first is the best.
    const run = ascent.ascend(model, { ...still, objective: score, steps: 2, optimizer: sgd({ lr: 1 }), gradient: ['negate'] }); // prettier-ignore
    const list = await frames(run);
    expect(list[2]!.score).toBeLessThan(list[0]!.score);
    const got = await evaluated<Promise<ascent.BestPicture>>(`(async () => ${best!})()`, { run });
    expect(got).toMatchObject({ step: 0, objective: list[0]!.score });
  },
  '`visualize_saliency(model, layer, filter, seed_input)`': async ([code]) => {
    near((await evaluated<Promise<Attribution>>(code!)).map, await slopeOf(ascent.logit(target)));
  },
  "`visualize_saliency(..., backprop_modifier='guided')`": async ([code]) => {
    near((await evaluated<Promise<Attribution>>(code!)).map, await moved({ objective: ascent.logit(target), relu: 'guided' })); // prettier-ignore
  },
  '`visualize_cam(model, layer, filter, seed_input)`': async ([code]) => {
    const { map, shape } = await evaluated<Promise<Attribution>>(code!);
    expect(shape).toEqual([1, 6, 6]);
    // The weights of the mean are those of the linear layer: relu(sum over channels of fc A / 36).
    const x = model.graph();
    const { a } = await model.engine.evaluate({ a: x.value('layer4') }, { [model.inputName]: picture });
    const fc = pattern(20, 4);
    near(map, Array.from({ length: 36 }, (_, i) => Math.max(0, [0, 1, 2, 3, 4].reduce((s, c) => s + (fc[c * 4 + target]! * a![c * 36 + i]!) / 36, 0)))); // prettier-ignore
  },
  '`visualize_cam(..., penultimate_layer_idx)`': async ([code]) => {
    const { shape } = await mapOf(evaluated<object>(code!));
    expect(shape).toEqual([1, 12, 12]);
    expect((await mapOf({ method: 'grad-cam' })).map).toEqual((await mapOf({ method: 'grad-cam', layer: 'layer4' })).map); // prettier-ignore
  },
};

it('the page and these tests have the same rows', () => {
  expect([...rows.keys()]).toEqual(Object.keys(tests));
});

it.each(Object.keys(tests))('%s', async (theirs) => {
  await tests[theirs]!(rows.get(theirs) ?? []);
});
