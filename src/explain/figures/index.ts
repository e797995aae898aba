/** Figures: maps as pictures, SVG and HTML. Nothing here runs a model. */
export { drawMap, drawPicture, type Drawing } from './draw.ts';
export type { Cell, Grid, Heading, Row } from './grid.ts';
export { figureStyle, gridCss, gridHtml } from './html.ts';
export { figureModes, figureOptions, type FigureMode, type FigureOptions } from './options.ts';
export { comparison, imagePlot, targetInWords, type Explained } from './plots.ts';
export { draw, mapSvg, type DrawnCanvas, type DrawOptions } from './render.ts';
export { gridSvg } from './svg.ts';
export { scaleOf, ticksOf, valuesOf, type Scale, type Values } from './values.ts';
export { colorsInWords, errorInWords, methodInWords } from './words.ts';
