/** Objectives as text: names that read back, precedence, refusals that say where. */
import { describe, expect, it } from 'vitest';
import * as ascent from '../../src/ascent/index.ts';
import { parseObjective } from '../../src/ascent/parse.ts';
import { spread } from '../support/gradcheck.ts';
import { evaluate, mirrorModel } from './scene.ts';

const reference = spread(24);

it.each([
  'channel(layer3.5,7)',
  'neuron(layer4,3)',
  'neuron(layer4,3,1,2)',
  'layer(layer3)',
  'logit(dog)',
  "logit('pug, pug-dog')",
  'logprob(3)',
  'channel(a,1) - 0.01*l1 + 2*tv(1.5)',
  'channel(a,1) - (channel(b,2) - channel(c,3))',
  '-(channel(a,1) + lp(4))',
  'layer(x) - diversity(x)',
  'alignment(x,3)',
  'caricature(x,2)',
  'style(x,y)',
  'difference(x)',
  'blur(0.5)',
  'channel(a,1)*(-opacity + 1)',
  'logit(dog)*(-l1) - 3',
  '0.5*channel(a,1)*opacity',
  'interpolated(channel(a,1),2*channel(b,0) - l1) + alignment(a)',
])('%s reads back', (text) => {
  expect(parseObjective(text, { reference }).name.replaceAll(', ', ',')).toBe(text.replaceAll(', ', ','));
});

it('computes as it is written', async () => {
  const model = await mirrorModel([2, 3, 4]);
  const value = async (o: ascent.Objective) => (await evaluate(model, o, reference, 1)).score[0]!;
  const [a, b] = [await value(ascent.channel('maps', 0)), await value(ascent.channel('maps', 1))];
  const of = (text: string) => value(parseObjective(text));
  expect(await of('2*3*channel(maps,0) - channel( maps , 1 ) / 4')).toBeCloseTo(6 * a - b / 4, 5);
  expect(await of('-(channel(maps,0) - channel(maps,1))*1e1')).toBeCloseTo(-10 * (a - b), 5);
  expect(await of('channel(maps,0) - channel(maps,1) - channel(maps,0)')).toBeCloseTo(-b, 5);
  expect(await of('--channel(maps,0)')).toBeCloseTo(a, 5);
  expect(await of('channel(maps,0)*(1 - channel(maps,1))*2 - 3')).toBeCloseTo(2 * a * (1 - b) - 3, 5);
  expect(await of('6/2/3 + 0*l1')).toBeCloseTo(1, 6);
});

describe('refusals', () => {
  it.each([
    ['', /a name was expected at character 1/],
    ['channel(layer3', /',' or '\)' was expected/],
    ['channel(layer3)', /channel\(LAYER,K\) is meant; 1 arguments/],
    ['channel(layer3,7) layer(x)', /'l' was not expected at character 19/],
    ['chanel(layer3,7)', /no objective 'chanel'/],
    ['3 layer(x)', /'l' was not expected at character 3/],
    ['interpolated(l1)', /',' was expected/],
    ['channel(layer3,seven)', /'seven' is no number/],
    ['channel(layer3,7.5)', /no whole number/],
    ['(tv', /'\)' is missing/],
    ['tv*x', /no objective 'x'/],
    ['tv/0', /not finite/],
    ['constructor(x)', /no objective 'constructor'/],
    ['caricature(layer3)', /needs a picture/],
  ])('%s', (text, message) => {
    expect(() => parseObjective(text)).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringMatching(message) as string })); // prettier-ignore
  });
});
