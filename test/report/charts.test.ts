/** Charts: where a value lies, which numbers stand at an axis, what a file of its own needs. */
import { describe, expect, it } from 'vitest';
import { axisScale, textWidth } from '../../src/report/charts/axes.ts';
import { barChart, chartFigure, chartFile, lineChart, scatterChart, type Chart } from '../../src/report/index.ts';
import { elements } from '../support/markup.ts';

const line = lineChart({
  title: 'Loss <&>',
  x: { label: 'step' },
  y: { label: 'loss' },
  series: [
    { name: 'training', points: [[0, 2.5], [1, NaN], [2, 0.5], [3, 0.25]] }, // prettier-ignore
    { name: 'held out', points: [[0, 2], [3, 1]], dashed: true }, // prettier-ignore
  ],
});
const scatter = scatterChart({
  title: 'Roofline',
  x: { label: 'FLOP per byte', log: true },
  y: { label: 'GFLOP/s', log: true },
  groups: [{ name: 'a', points: [{ name: 'conv', x: 10, y: 100, yInterval: [50, 200], isLabelled: true }, { name: 'add', x: 1, y: 10 }] }], // prettier-ignore
  lines: [{ name: 'roof', points: [[1, 10], [100, 1000]] }], // prettier-ignore
});
const bar = barChart({
  title: 'Times',
  axis: { label: 'ms' },
  series: ['a', 'b'],
  bars: [
    { name: 'x', values: [3, -1], intervals: [[2, 4], undefined] },
    { name: 'y', values: [1, undefined] },
  ],
});

describe('axes', () => {
  const ticks = (...args: Parameters<typeof axisScale>) => axisScale(...args).ticks.map((t) => t.text);

  it('linear: round numbers, no closer than text is wide', () => {
    expect(ticks('t', { label: 'y' }, [0.2, 2.6], [200, 0])).toEqual(['0', '1', '2', '3']);
    expect(ticks('t', { label: 'y', domain: [0, 1] }, [], [100, 0])).toEqual(['0.0', '0.5', '1.0']);
    expect(ticks('t', { label: 'x', isWhole: true, domain: [0, 3] }, [], [0, 500])).toEqual(['0', '1', '2', '3']);
    expect(ticks('t', { label: 'y' }, [-3, 3], [300, 0])).toEqual(['\u22123', '\u22122', '\u22121', '0', '1', '2', '3']); // prettier-ignore
  });

  it('logarithmic: powers of ten, with 2 and 5 where there is room', () => {
    expect(ticks('t', { label: 'x', log: true }, [1, 1e6], [0, 200])).toEqual(['1', '10', '100', '1000', '10000', '1e5', '1e6']); // prettier-ignore
    expect(ticks('t', { label: 'x', log: true }, [1, 100], [0, 400])).toEqual(['1', '2', '5', '10', '20', '50', '100']);
    expect(ticks('t', { label: 'x', log: true }, [1, 1e12], [0, 130])).toEqual(['1', '1000', '1e6', '1e9', '1e12']);
  });

  it('a value lies where its logarithm does', () => {
    const scale = axisScale('t', { label: 'x', log: true }, [1, 1000], [0, 300]);
    expect([1, 10, 100, 1000].map((v) => Math.round(scale.at(v)))).toEqual([0, 100, 200, 300]);
  });

  it('one value has room on both sides', () => {
    expect(axisScale('t', { label: 'x' }, [3], [0, 100]).at(3)).toBeCloseTo(50, 6);
  });

  it('refuses what it cannot show', () => {
    expect(() => axisScale('t', { label: 'x', log: true }, [0, 1], [0, 1])).toThrow(/chart 't': a logarithmic axis cannot show 0/); // prettier-ignore
    expect(() => axisScale('t', { label: 'x' }, [NaN], [0, 1])).toThrow(/no finite value along 'x'/);
  });
});

const all: [string, Chart][] = [['line', line], ['scatter', scatter], ['bar', bar]]; // prettier-ignore

describe.each(all)('%s', (_, chart) => {
  it.each([280, 320, 900])('at %d px: whole, inside its box, in real text', (width) => {
    const text = chart.draw(width).text;
    expect(elements(text)).toBeGreaterThan(10);
    const height = Number(/height="(\d+)"/.exec(text)![1]);
    for (const [, x, y, anchor, words] of text.matchAll(
      /<text[^>]* x="([\d.-]+)" y="([\d.-]+)"(?: text-anchor="(\w+)")?>([^<]*)</g,
    )) {
      // prettier-ignore
      const wide = textWidth(words!);
      const left = Number(x) - (anchor === 'end' ? wide : anchor === 'middle' ? wide / 2 : 0);
      expect(left, words).toBeGreaterThanOrEqual(-4);
      expect(left + wide, words).toBeLessThanOrEqual(width + 4);
      expect(Number(y)).toBeLessThanOrEqual(height);
    }
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('as a file and as a figure', () => {
    const file = chartFile(chart);
    expect(file).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" /);
    expect(file).toContain('prefers-color-scheme:dark');
    elements(file);
    const figure = chartFigure(chart, { note: 'a <note>' }).text;
    expect(figure.match(/<svg /g)).toHaveLength(2);
    expect(figure).toMatch(/<details>.*<table/s);
    elements(figure);
  });
});

it('line: a gap where a value is not finite, and the ends in words', () => {
  const text = line.draw(320).text;
  const [path] = [...text.matchAll(/ d="([^"]*)"/g)].map((m) => m[1]!);
  expect(path!.match(/M/g)).toHaveLength(2);
  expect(text).toContain('training: 2.5 at 0 to 0.25 at 3; held out: 2 at 0 to 1 at 3');
  expect(text).toContain('Loss &#60;&#38;&#62;');
  expect(line.values.rows[1]).toEqual(['1', 'not a number', '']);
});

it('bar: as long as its value is from zero, and its interval beside it', () => {
  const rects = [...bar.draw(320).text.matchAll(/<rect x="([\d.]+)"[^>]* width="([\d.]+)" height="14"/g)];
  const [long, negative, , none] = rects.map(([, x, width]) => ({ x: Number(x), width: Number(width) }));
  expect(long!.width / negative!.width).toBeCloseTo(3, 1);
  expect(negative!.x + negative!.width).toBeCloseTo(long!.x, 0);
  expect(none?.width ?? rects.length).toBe(0);
});

it('scatter: intervals as lines, names where there is room', () => {
  expect(scatter.draw(320).text).not.toMatch(/class="name"[^>]*>conv</);
  const wide = scatter.draw(640).text;
  expect(wide.match(/class="whisker"/g)).toHaveLength(1);
  expect(wide).toMatch(/class="name"[^>]*>conv</);
  expect(scatter.values.rows[0]).toEqual(['conv', '10', '100 (50 to 200)']);
});

it('refuses charts of nothing', () => {
  const axis = { label: 'x' };
  expect(() => lineChart({ title: 't', x: axis, y: axis, series: [] })).toThrow(/chart 't': there is no point/);
  expect(() => barChart({ title: 't', axis, bars: [] })).toThrow(/no bar/);
  expect(() => barChart({ title: 't', axis, bars: [{ name: 'a', values: [1, 2] }] })).toThrow(/'a' has 2 values for 1 series/); // prettier-ignore
});
