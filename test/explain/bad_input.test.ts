/** Every method, given what it cannot use: a coded error that names the thing and the way out, never a raw one. */
import { beforeAll, describe, expect, it } from 'vitest';
import { WgradError } from '../../src/errors.ts';
import { explain, methodNames, methodOf, type Method, type MethodName } from '../../src/explain/index.ts';
import type { Model } from '../../src/model/model.ts';
import { HANG_SECONDS, processorSeconds } from '../support/cost.ts';
import { testEngine } from '../support/engine.ts';
import { optionsOf } from './quick.ts';
import { pictureLike, residualModel } from './residual_network.ts';

let model: Model;
const x = pictureLike(3);
beforeAll(async () => {
  model = residualModel(await testEngine());
});

const infoOf = (name: MethodName): Method => methodOf(name);
const withOption = (key: string) => methodNames.filter((name) => Object.hasOwn(infoOf(name).options, key));
const choosing = methodNames.filter((name) => infoOf(name).target === 'one');
const half = (v: number) => Int32Array.from({ length: 256 }, (_, i) => (i % 16 < 8 ? 0 : v));
const gap = half(2);

/** Code, what its message must name, and whether it must say what to do. */
type Expected = [code: string, names: RegExp, hasRemedy?: boolean];

const cases: [string, readonly MethodName[], (name: MethodName) => object, Expected, Float32Array?][] = [
  ['NaN in the picture', methodNames, () => ({}), ['not-finite', /the picture: value 7 is NaN/, true], x.map((v, i) => (i === 7 ? NaN : v))], // prettier-ignore
  ['a picture of another size', methodNames, () => ({}), ['shape', /767 values are no picture of 3 channels of 16 x 16/, true], x.subarray(1)], // prettier-ignore
  ['a class that does not exist', choosing, () => ({ target: 99 }), ['unknown-name', /99/, true]],
  ['a label that does not exist', choosing, () => ({ target: 'unicorn' }), ['unknown-name', /unicorn/]],
  ['a unit of no layer', choosing, () => ({ target: 'nowhere[:,0]' }), ['unknown-name', /nowhere/]],
  ['a layer that does not exist', withOption('layer'), () => ({ layer: 'nowhere' }), ['unknown-name', /nowhere/]],
  ['a layer without spatial extent', withOption('layer'), () => ({ layer: 'logits' }), ['invalid-argument', /no feature map .*logits/, true]], // prettier-ignore
  ['no segments', withOption('labels'), () => ({ labels: new Int32Array(0) }), ['shape', /0 labels/, true]],
  ['one segment', withOption('labels'), () => ({ labels: new Int32Array(256) }), ['invalid-argument', /one segment/, true]], // prettier-ignore
  [
    'a segment without a pixel',
    withOption('labels'),
    () => ({ labels: gap }),
    ['invalid-argument', /no pixel has label 1/, true],
  ],
  ['negative labels', withOption('labels'), () => ({ labels: half(-1) }), ['invalid-argument', /-1/, true]],
  ['a hidden picture that is the picture', withOption('labels').filter((n) => n.endsWith('shap')), () => ({ fill: x }), ['invalid-argument', /looks the same/, true]], // prettier-ignore
  ['a fill of another size', withOption('fill'), () => ({ fill: new Float32Array(3) }), ['shape', /3 values of fill/]],
  ['baselines of another size', withOption('baselines'), () => ({ baselines: new Float32Array(5) }), ['shape', /5 values are no baselines/]], // prettier-ignore
  ['an option of no method', methodNames, () => ({ luck: 1 }), ['invalid-argument', /luck/, true]],
  ['masks that are all equal', ['lime'], () => ({ masks: new Uint8Array(9 * 4).fill(1) }), ['invalid-argument', /all masks are equal/, true]], // prettier-ignore
  ['masks that all show everything', ['rise'], () => ({ p: 1 }), ['invalid-argument', /all masks are equal/, true]],
  ['masks that show nothing', ['rise'], () => ({ p: 0 }), ['invalid-argument', /nothing would show/]],
];

describe.each(cases)('%s', (_, names, more, [code, message, hasRemedy], picture = x) => {
  it.each(names)('%s', async (name) => {
    // Labels are given in place of a segmentation's options.
    const given: Record<string, unknown> = { ...optionsOf(name), ...more(name) };
    if ('labels' in given) for (const key of ['segmentation', 'cells']) delete given[key];
    const error: unknown = await explain(model, picture, given as never).then(
      () => 'no error',
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(WgradError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    if (hasRemedy) expect((error as WgradError).remedy).toBeTruthy();
  });
});

/** What would take days, or more memory than there is, is refused before anything is drawn or compiled. */
const huge = 2 ** 31;
const tooMuch: [MethodName, object][] = [
  ...(['samples', 'steps', 'permutations', 'maxEvals'] as const).flatMap((key) =>
    withOption(key)
      .filter((name) => name !== 'kernel-shap')
      .map((name): [MethodName, object] => [name, { [key]: huge }]),
  ),
  ['integrated-gradients', { steps: 5000 }],
  ['kernel-shap', { samples: huge, cells: 8 }],
  ['permutation-shap', { cells: 16, permutations: 10_000 }],
  ['partition-shap', { blurSize: huge }],
  ['blur-ig', { maxSigma: huge }],
  ['meaningful-perturbation', { sigma: huge }],
  ['xrai', { dilation: huge }],
  ['rise', { cells: huge }],
];
it.each(tooMuch)('more than there is: %s %o', async (name, more) => {
  const began = processorSeconds();
  const error: unknown = await explain(model, x, { ...optionsOf(name), ...more } as never).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(WgradError);
  expect(error).toMatchObject({ code: expect.stringMatching(/^(limit-exceeded|invalid-argument)$/) });
  expect((error as WgradError).remedy).toBeTruthy();
  expect(processorSeconds() - began).toBeLessThan(HANG_SECONDS);
});

it.each(withOption('batch'))(
  'a batch of 200,000: %s runs with what there is to run, or refuses it at once',
  async (name) => {
    const began = processorSeconds();
    const outcome: unknown = await explain(model, x, { ...optionsOf(name), batch: 200_000 } as never).catch(
      (e: unknown) => e,
    );
    expect(processorSeconds() - began).toBeLessThan(HANG_SECONDS);
    if (!(outcome instanceof Error)) return;
    expect(outcome).toBeInstanceOf(WgradError);
    expect(outcome).toMatchObject({ code: expect.stringMatching(/^(limit-exceeded|out-of-memory)$/) });
    expect((outcome as WgradError).remedy).toMatch(/batch of \d+ fits/);
  },
);
