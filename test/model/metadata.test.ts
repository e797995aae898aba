/** Labels and preprocessing as files have them; what cannot be read is left out with a warning. */
import { describe, expect, it } from 'vitest';
import { parseLabels, readLabels, readPreprocess } from '../../src/model/metadata.ts';
import { openCase } from '../support/cases.ts';
import { testEngine } from '../support/engine.ts';

const five = ['cat', 'dog', 'owl', 'bee', 'fox'];

describe('labels', () => {
  it.each([
    ['a JSON list', '["cat", "dog"]', ['cat', 'dog']],
    ['a JSON object by index', '{"1": "dog", "0": "cat"}', ['cat', 'dog']],
    ['a JSON object by name', '{"dog": 1, "cat": 0}', ['cat', 'dog']],
    ['a Python list', "['cat', 'it\\'s a \"dog\"',]", ['cat', 'it\'s a "dog"']],
    ['a Python tuple', "('cat', 'dog')", ['cat', 'dog']],
    ['a Python dictionary', "{0: 'cat', 1: 'dog'}", ['cat', 'dog']],
    ['a name a line', 'cat, domestic\r\ndog\n', ['cat, domestic', 'dog']],
    ['commas', 'cat, "dog"', ['cat', 'dog']],
    ['numbers', '[7, 9]', ['7', '9']],
    ['an object with a hole', '{"0": "cat", "2": "dog"}', undefined],
    ['a broken list', '["cat", "dog"', undefined],
    ['a nested list', '[["cat"]]', undefined],
    ['nothing', ' ', undefined],
  ])('as %s', (_, text, names) => expect(parseLabels(text)).toEqual(names));

  it.each(['labels-csv', 'labels-dict'])('%s: read', async (name) => {
    using model = await openCase(name).load(await testEngine());
    expect(model.labels).toEqual(five);
    expect(model.warnings).toEqual([]);
  });

  it('labels-python-text: two names for five classes are left out, and the model runs', async () => {
    const it = openCase('labels-python-text');
    using model = await it.load(await testEngine());
    expect(model.labels).toBeUndefined();
    expect(model.warnings).toEqual([expect.stringMatching(/'labels' has 2 names for 5 classes.*--labels/)]);
    const [first] = await model.classify(it.tensor('x').subarray(0, 3072), { top: 1 });
    expect(first!.label).toBe(`class ${first!.index}`);
  });

  it('of the caller go before the file, and must be one a class', async () => {
    const engine = await testEngine();
    using model = await openCase('labels-csv').load(engine, { labels: ['a', 'b', 'c', 'd', 'e'] });
    expect(model.labels).toEqual(['a', 'b', 'c', 'd', 'e']);
    using wrong = await openCase('labels-csv').load(engine, { labels: ['a'] });
    expect(() => wrong.labels).toThrow(expect.objectContaining({ code: 'invalid-argument', message: expect.stringMatching(/1 labels for a model of 5/) })); // prettier-ignore
  });

  it('under another key are taken where they fit, and not mentioned where they do not', () => {
    const warnings: string[] = [];
    const read = (classes: number) => readLabels(new Map([['names', "{0: 'a', 1: 'b'}"]]), {}, classes, (w) => warnings.push(w)); // prettier-ignore
    expect(read(2)).toEqual(['a', 'b']);
    expect(read(3)).toBeUndefined();
    expect(warnings).toEqual([]);
  });
});

describe('preprocessing', () => {
  const read = (text: string, channels = 3) => {
    const warnings: string[] = [];
    const spec = readPreprocess(new Map([['preprocess', text]]), {}, channels, (w) => warnings.push(w));
    return { spec, warnings: warnings.join() };
  };

  it('is one number for all channels, or one for each', () => {
    expect(read('{"mean": [0.5], "std": [0.25], "crop": 8}').spec).toEqual({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], crop: 8 }); // prettier-ignore
    expect(read("{'mean': [0.5], 'std': [0.25]}", 1)).toEqual({ spec: { mean: [0.5], std: [0.25] }, warnings: '' });
  });

  it.each([
    ['for other channels', '{"mean": [0, 0, 0, 0], "std": [1, 1, 1, 1]}', /4 means for 3 channels/],
    ['broken', '{"mean": [0', /cannot be read/],
    ['without a deviation', '{"mean": [0]}', /no list of numbers 'std'/],
  ])('%s is left out with a warning', (_, text, warning) => {
    expect(read(text)).toEqual({ spec: undefined, warnings: expect.stringMatching(warning) });
  });
});
