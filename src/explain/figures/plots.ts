/** Figures that people know, as grids: SHAP's image plot, and methods side by side. */
import type { Image } from '../../image/image.ts';
import { readOptions } from '../../options.ts';
import { short } from '../../report/numbers.ts';
import type { Attribution } from '../types.ts';
import { drawMap, drawPicture } from './draw.ts';
import type { Cell, Grid, Row } from './grid.ts';
import { figureOptions, type FigureOptions } from './options.ts';
import { scaleOf, valuesOf } from './values.ts';
import { colorsInWords, errorInWords, methodInWords } from './words.ts';

/** A picture with maps of it. */
export interface Explained {
  image: Image;
  /** What stands over its row. */
  title: string;
  text?: readonly string[];
  /** Whether the network takes the picture for what it is, where that is known. */
  verdict?: 'right' | 'wrong' | undefined;
  /** In the order of the columns; undefined or a reason in words where there is none. */
  maps: readonly (Attribution | string | undefined)[];
}

/** What a map explains, for a caption. */
export const targetInWords = (a: Pick<Attribution, 'label' | 'target'>): string =>
  a.label ?? (a.target === null ? 'what is explained' : `class ${a.target}`);

/** @returns the distinct ones. */
const distinct = (list: readonly string[]) => [...new Set(list)];

const absent = (reason: string | undefined): Cell => ({ caption: [reason ?? 'not done'] });

const original = (e: Explained): Cell => ({ drawing: drawPicture(e.image) });

const row = (p: Explained, cells: readonly Cell[]): Row => ({
  title: p.title,
  ...(p.text && { text: p.text }),
  ...(p.verdict && { verdict: p.verdict }),
  cells: [original(p), ...cells],
});

const isMap = (map: Explained['maps'][number]): map is Attribution => typeof map === 'object';

/**
 * Methods side by side, the picture first. A scale for each map, for the units of methods differ.
 * @param names of the columns' methods.
 */
export function comparison(
  pictures: readonly Explained[],
  names: readonly string[],
  options: FigureOptions = {},
): Grid {
  // The colours of a column mean the same in every row.
  const signs = names.map((_, k) => {
    const maps = pictures.map((p) => p.maps[k]).filter(isMap);
    return scaleOf(maps.map((a) => valuesOf(a, options))).sign;
  });
  const columns = names.map((name, k) => {
    const maps = pictures.map((p) => p.maps[k]).filter(isMap);
    const whats = distinct(maps.map(targetInWords));
    const colors = colorsInWords(signs[k]!, whats.length === 1 ? whats[0] : undefined, options.mode);
    return { title: name, text: maps.length === 0 ? methodInWords(name) : methodInWords(name, maps.map((a) => a.error), colors) }; // prettier-ignore
  });
  const rows = pictures.map((p): Row => {
    const cells = names.map((_, k): Cell => {
      const a = p.maps[k];
      if (!isMap(a)) return absent(a);
      const error = errorInWords(a);
      return { drawing: drawMap(p.image, a, { ...options, sign: signs[k] }), ...(error && { caption: [error] }) };
    });
    return row(p, cells);
  });
  return { title: `Maps by ${names.join(', ')}`, columns: [{ title: 'input' }, ...columns], rows };
}

/**
 * SHAP's image plot: a row a picture, a column an output, one symmetric scale for all, red for and blue against.
 * @param names of the outputs, such as 'class dog', or 'first', 'second' where pictures differ in them.
 */
export function imagePlot(pictures: readonly Explained[], names: readonly string[], given: FigureOptions = {}): Grid {
  const options = readOptions('a figure', figureOptions, given);
  const maps = pictures.flatMap((p) => p.maps.filter(isMap).map((a) => valuesOf(a, options, p.image)));
  const scale = scaleOf(maps, options);
  const rows = pictures.map((p): Row => {
    const cells = p.maps.map((a): Cell => {
      if (!isMap(a)) return absent(a);
      const error = errorInWords(a);
      return {
        drawing: drawMap(p.image, a, { ...options, scale }),
        caption: [`${targetInWords(a)}: score ${short(a.score)}`, ...(error ? [error] : [])],
      };
    });
    return row(p, cells);
  });
  const method = distinct(pictures.flatMap((p) => p.maps.filter(isMap).map((a) => a.method))).join(', ');
  return {
    title: `${method}: ${names.join(', ')}`,
    columns: [{ title: 'input' }, ...names.map((title) => ({ title }))],
    rows,
    scale,
    scaleText: [method && `${method}.`, colorsInWords(scale.sign, 'the output of its column')].join(' ').trim(),
  };
}
