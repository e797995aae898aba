/** Pages: what is put in is escaped, what comes out is whole, readable in both themes, and asks for nothing. */
import { describe, expect, it } from 'vitest';
import {
  gallery,
  markup,
  matrix,
  percent,
  picture,
  raw,
  renderPage,
  short,
  table,
  themes,
  verdict,
} from '../../src/report/index.ts';
import { elements } from '../support/markup.ts';

describe('markup', () => {
  it('escapes text and attribute values, and joins lists', () => {
    const bad = `<b a="1" b='2'>&`;
    const safe = '&#60;b a=&#34;1&#34; b=&#39;2&#39;&#62;&#38;';
    expect(markup`<p title="${bad}">${bad}</p>`.text).toBe(`<p title="${safe}">${safe}</p>`);
    expect(markup`${[1, 'two', [markup`<i>3</i>`]]}${false}${undefined}${null}${raw('<hr>')}`.text).toBe('1two<i>3</i><hr>'); // prettier-ignore
  });

  it('replaces what neither HTML nor XML can hold', () => {
    expect(markup`${'a\u0000b\u001bc\ud800d\tn\u{1f600}'}`.text).toBe('a\ufffdb\ufffdc\ufffdd\tn\u{1f600}');
  });
});

it.each([
  [0, '0'],
  [-0.25, '\u22120.25'],
  [1234.5678, '1230'],
  [0.000123456, '1.23e\u22124'],
  [99999.9, '1e5'],
  [Infinity, 'infinity'],
  [NaN, 'not a number'],
])('short(%d) is %s', (value, text) => expect(short(value)).toBe(text));

it('percent', () => expect([percent(0.8714), percent(-0.5, 0)]).toEqual(['87.1 %', '\u221250 %']));

describe('a page', () => {
  const page = renderPage({
    title: 'A & B',
    intro: ['on <this> machine'],
    warning: 'Interrupted.',
    sections: [
      { title: 'One', text: ['first', 'second'], body: table({ caption: 'Costs', columns: ['method', { title: 'forwards', align: 'end' }], rows: [['rise', 4001]] }) }, // prettier-ignore
      { title: 'One', body: gallery([{ source: Uint8Array.of(1, 2, 3), alt: '"x"', verdict: 'wrong', caption: verdict('wrong') }]) }, // prettier-ignore
      { title: 'Three', body: matrix({ title: 'Confusion', axes: ['is', 'is taken for'], rows: ['a'], columns: ['a', 'b'], values: [[1, 2]] }) }, // prettier-ignore
    ],
    command: `wgrad tour --out 'a "b"'`,
    files: [{ path: 'a b/#1?.onnx', what: 'the model' }],
  });

  it('closes every element, and names each section once', () => {
    expect(elements(page)).toBeGreaterThan(40);
    expect([...page.matchAll(/ id="([^"]+)"/g)].map((m) => m[1])).toEqual(['one', 'one-2', 'three']);
    expect([...page.matchAll(/href="#([^"]+)"/g)].map((m) => m[1])).toEqual(['one', 'one-2', 'three']);
  });

  it('asks for nothing, and runs nothing', () => {
    expect(page).not.toMatch(/<script|@import|url\(|\son\w+=/);
    const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((m) => m[1]!);
    expect(addresses.filter((a) => !/^(#|data:)/.test(a))).toEqual(['a%20b/%231%3F.onnx']);
    expect(page).toContain('src="data:image/png;base64,AQID"');
  });

  it('sets no text smaller than 12 px', () => {
    for (const [, size] of page.matchAll(/font(?:-size)?:(?:[^;}]*?\s)?([\d.]+)px/g)) expect(Number(size)).toBeGreaterThanOrEqual(12); // prettier-ignore
    for (const [, size] of page.matchAll(/font(?:-size)?:(?:[^;}]*?\s)?([\d.]+)rem/g)) expect(16 * Number(size)).toBeGreaterThanOrEqual(12); // prettier-ignore
  });
});

it('a picture says by a sign and a word whether a guess is right', () => {
  expect(picture({ source: 'data:,', alt: 'a', verdict: 'right', caption: verdict('right', 'ring') }).text).toMatch(/is-right.*✓.*ring/); // prettier-ignore
});

it('refuses a matrix whose values do not fit its names', () => {
  const spec = { title: 'm', axes: ['a', 'b'], rows: ['a'], columns: ['a', 'b'], values: [[1]] } as const;
  expect(() => matrix(spec)).toThrow(/chart 'm': 1 values for 2 columns/);
});

describe('colours', () => {
  const channel = (c: number) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const rgb = (hex: string) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
  const light = (c: readonly number[]) => {
    const [r, g, b] = c.map(channel) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  /** WCAG 2.2, contrast ratio. */
  const contrast = (a: readonly number[], b: readonly number[]) => {
    const [dark, bright] = [light(a), light(b)].sort((x, y) => x - y) as [number, number];
    return (bright + 0.05) / (dark + 0.05);
  };

  it.each(Object.entries(themes))('%s: text has a contrast of 4.5, marks of 3', (_, theme) => {
    for (const ground of [theme.paper, theme.wash].map(rgb)) {
      for (const name of ['ink', 'quiet', 'accent', 'right', 'wrong', 'warn'] as const) {
        expect(contrast(rgb(theme[name]), ground), name).toBeGreaterThanOrEqual(4.5);
      }
      for (const mark of [theme.for, theme.against, theme.frozen, theme.trained, ...theme.series]) {
        expect(contrast(rgb(mark), ground), mark).toBeGreaterThanOrEqual(3);
      }
    }
    // The deepest tint of a matrix, under its numbers: 45 % over the wash.
    for (const tint of [theme.accent, theme.for, theme.against, theme.right, theme.wrong].map(rgb)) {
      const cell = tint.map((c, i) => 0.45 * c + 0.55 * rgb(theme.wash)[i]!);
      expect(contrast(rgb(theme.ink), cell)).toBeGreaterThanOrEqual(4.5);
    }
  });
});
