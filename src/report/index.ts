/** Pages of results in one design, and what stands in them. Pure functions from data to text. */
export { barChart, type Bar, type BarSpec } from './charts/bar.ts';
export { chartFigure, chartFile, chartRow, type Chart } from './charts/chart.ts';
export { lineChart, type LineSpec, type Series } from './charts/line.ts';
export { matrix, type MatrixSpec } from './charts/matrix.ts';
export { scatterChart, type ScatterPoint, type ScatterSpec } from './charts/scatter.ts';
export type { Axis } from './charts/axes.ts';
export { dataUrl, escape, markup, Markup, raw, type Content } from './markup.ts';
export { percent, short } from './numbers.ts';
export { renderPage, type Page, type Section } from './page.ts';
export { gallery, picture, pngUrl, verdict, type Picture } from './pictures.ts';
export { facts, table, type Column, type Table } from './table.ts';
export { face, sizes, themeCss, themes, type Theme } from './tokens.ts';
