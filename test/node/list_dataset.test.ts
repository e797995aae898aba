/** Pictures by a list: what it says is what is trained on, and what is amiss in it is said by its line. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { labelledList, listDataset, readPictureList } from '../../src/node/list_dataset.ts';

const picture = fileURLToPath(new URL('../fixtures/image/source.png', import.meta.url));
const spec = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const size = { height: 16, width: 24 };

describe('a list of pictures', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'wgrad-list-'));
    mkdirSync(join(root, 'p'));
    for (let i = 0; i < 12; i++) cpSync(picture, join(root, 'p', `${i}.png`));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const write = (text: string, name = 'list.csv') => {
    writeFileSync(join(root, name), text);
    return join(root, name);
  };
  const data = (file: string) => listDataset(file, spec, size);
  const rows = (f: (i: number) => string) => Array.from({ length: 12 }, (_, i) => f(i)).join('\n');

  it('is split as it says, with paths from its folder, quotes and other columns', async () => {
    const file = write(`\uFEFFid,Path,label,split\r\n${rows((i) => `${i},"p/${i}.png","${i % 2 ? 'a ""b""' : 'c, d'}",${i < 8 ? 'train' : 'test'}`)}\r\n\r\n`); // prettier-ignore
    const list = await readPictureList(file);
    expect([list.classes, list.unused, list.several]).toEqual([['a "b"', 'c, d'], ['id'], false]);
    const { train, validation } = await data(file);
    expect([train.length, validation.length, train.labels![1], train.targets]).toEqual([8, 4, 'a "b"', undefined]);
    expect(train.paths[3]).toBe(join(root, 'p', '3.png'));
    expect((await train.get(0)).input).toHaveLength(3 * 16 * 24);
    expect((await labelledList(list, ['c, d', 'a "b"'], spec, size)).data.length).toBe(4);
  });

  it('without a split holds out a share of each class; groups stay together', async () => {
    const plain = await data(write(`path,label\n${rows((i) => `p/${i}.png,${i < 8 ? 'a' : 'b'}`)}`));
    expect([plain.train.length, plain.validation.labels]).toEqual([9, ['a', 'a', 'b']]);
    const grouped = await data(write(`path,label,group\n${rows((i) => `p/${i}.png,a,${i >> 1}`)}`));
    const group = (path: string) => Math.floor(Number(/(\d+)\.png/.exec(path)![1]) / 2);
    const held = new Set(grouped.validation.paths.map(group));
    expect(grouped.train.paths.some((path) => held.has(group(path)))).toBe(false);
  });

  it('may have several labels a picture, in CSV and JSON', async () => {
    const csv = write(`path,labels\n${rows((i) => `p/${i}.png,${['a;b', '', 'b'][i % 3]}`)}`);
    const json = write(JSON.stringify(Array.from({ length: 12 }, (_, i) => ({ path: `p/${i}.png`, labels: [['a', 'b'], [], ['b']][i % 3] }))), 'list.json'); // prettier-ignore
    for (const file of [csv, json]) {
      const { train } = await data(file);
      expect([train.targets, train.classes, train.length]).toEqual(['labels', ['a', 'b'], 9]);
      expect(train.labels!.every(Array.isArray)).toBe(true);
    }
  });

  it.each<[string, string, string, RegExp]>([
    ['no column of paths', 'file,label\np/0.png,a', 'file-format', /list\.csv, line 1: the columns are file, label/],
    ['label and labels', 'path,label,labels\n', 'file-format', /line 1/],
    ['no picture', 'path,label\n', 'dataset-empty', /lists no picture/],
    ['a missing file', 'path,label\np/0.png,a\np/99.png,a', 'file-missing', /line 3: .*99\.png: no such file/],
    ['a missing cell', 'path,label\np/0.png', 'file-format', /line 2: 1 cells under 2 columns/],
    ['a missing label', 'path,label\np/0.png,', 'file-format', /line 2: p\/0\.png has no label/],
    ['a missing path', 'path,label\n,a', 'file-format', /line 2: there is no path/],
    ['an unknown split', 'path,label,split\np/0.png,a,dev', 'file-format', /line 2: the split 'dev'/],
    ['a split of some', 'path,label,split\np/0.png,a,train\np/1.png,a,', 'file-format', /line 3: .*no split/],
    ['a picture twice', 'path,label\np/0.png,a\np/1.png,a\n./p/0.png,b', 'file-format', /line 4: .*line 2 already/],
    ['a label twice', 'path,labels\np/0.png,a;a', 'file-format', /line 2: the label a is there twice/],
    ['a group on both sides', 'path,label,split,group\np/0.png,a,train,x\np/1.png,a,val,x', 'file-format', /line 3: the group x is in val, and in train in line 2/], // prettier-ignore
    ['an open quote', 'path,label\n"p/0.png,a', 'file-format', /line 2/],
  ])('with %s is refused', async (_, text, code, message) => {
    await expect(data(write(text))).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each<[string, string, RegExp]>([
    ['no JSON', '[', /is not JSON/],
    ['no list', '{}', /a list of objects/],
    ['no object', '[3]', /entry 0: is no object/],
    ['labels that are none', '[{"path": "p/0.png", "labels": 3}]', /entry 0: labels is no list/],
  ])('as JSON with %s is refused', async (_, text, message) => {
    await expect(data(write(text, 'list.json'))).rejects.toMatchObject({ code: 'file-format', message: expect.stringMatching(message) }); // prettier-ignore
  });

  it('tells of what cannot be decoded, and of a label that the model does not have', async () => {
    writeFileSync(join(root, 'p', '3.png'), 'no picture');
    const file = write(`path,label,split\n${rows((i) => `p/${i}.png,a,${i < 8 ? 'train' : 'val'}`)}`);
    const { train, skipped } = await data(file);
    expect([train.length, skipped.map((s) => s.path)]).toEqual([7, [join(root, 'p', '3.png')]]);
    await expect(labelledList(await readPictureList(file), ['b'], spec, size)).rejects.toMatchObject({ code: 'unknown-name', message: expect.stringMatching(/line 2: there is no class 'a'/) }); // prettier-ignore
  });
});
