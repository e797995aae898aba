/** Pictures in rows and columns, with what is written at them: what the SVG and the HTML of a figure are made from. */
import type { Drawing } from './draw.ts';
import type { Scale } from './values.ts';

/** Words beside a row, or above a column. */
export interface Heading {
  title: string;
  /** Sentences below it. */
  text?: readonly string[];
}

/** One picture of a figure. */
export interface Cell {
  drawing?: Drawing;
  /** Lines below the picture; in place of it where there is none. */
  caption?: readonly string[];
}

/** A row of a figure. */
export interface Row extends Heading {
  cells: readonly Cell[];
  /** Whether the network takes the picture for what it is, where that is known. */
  verdict?: 'right' | 'wrong' | undefined;
}

/** A figure: pictures in rows and columns, with their headings and legend. */
export interface Grid {
  /** For those who cannot see it. */
  title: string;
  columns: readonly Heading[];
  rows: readonly Row[];
  /** Of all cells: then one colour bar stands below them, else each has its own. */
  scale?: Scale;
  /** What the shared scale's colours mean. */
  scaleText?: string;
}
