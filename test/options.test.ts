/** Option tables: defaults, refusals, and the text of a command line. */
import { describe, expect, it } from 'vitest';
import { choice, count, flag, floats, fraction, name, positive, readOptions } from '../src/options.ts';

const table = {
  samples: count(25, 'noisy copies'),
  sigma: positive(0.15, 'noise'),
  p: fraction(0.5, 'share kept'),
  squared: flag(false, 'squared'),
  rule: choice(['left', 'right'], 'left', 'rule'),
  layer: name('layer'),
  baseline: floats('baseline'),
};
const read = (given: Record<string, unknown>) => readOptions('smoothgrad', table, given);

describe('readOptions', () => {
  it('fills in the defaults, and leaves out what has none', () => {
    expect(read({})).toEqual({ samples: 25, sigma: 0.15, p: 0.5, squared: false, rule: 'left' });
    expect(read({ samples: 3, rule: 'right', layer: 'layer4' })).toMatchObject({ samples: 3, rule: 'right', layer: 'layer4' }); // prettier-ignore
  });

  it('an unknown name is refused, with the names that there are', () => {
    expect(() => read({ sample: 3 })).toThrow(/smoothgrad has no option 'sample'.*samples, sigma/);
    expect(() => read({ toString: 3 })).toThrow(/no option 'toString'/);
  });

  it.each([
    ['samples', 0],
    ['samples', 1.5],
    ['samples', '3'],
    ['samples', null],
    ['samples', NaN],
    ['sigma', 0],
    ['sigma', Infinity],
    ['p', 1.1],
    ['squared', 1],
    ['rule', 'middle'],
    ['layer', ''],
    ['baseline', [1, 2]],
    ['baseline', Float32Array.of(1, NaN)],
  ])('%s = %s is refused', (key, value) => {
    expect(() => read({ [key]: value })).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => read({ [key]: value })).toThrow(new RegExp(`smoothgrad: ${key} is`));
  });
});

describe('text of a command line', () => {
  it.each([
    ['samples', '12', 12],
    ['samples', '', undefined],
    ['squared', 'true', true],
    ['squared', 'yes', undefined],
    ['rule', 'right', 'right'],
    ['rule', 'up', undefined],
    ['layer', 'layer4', 'layer4'],
  ] as const)('%s %s', (key, text, value) => {
    expect(table[key].parse!(text)).toBe(value);
  });

  it('what only a program can give has no text', () => {
    expect(table.baseline.parse).toBeUndefined();
  });
});
