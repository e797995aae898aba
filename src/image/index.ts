/** Pictures: preprocessing, colour maps, PNG. */
export { colorAt, colormaps, type ColormapName } from './colormap.ts';
export { type Image, type Planes, type RgbaImage } from './image.ts';
export { encodePng } from './png.ts';
export { imagenetPreprocess, preprocess, preprocessBatch, toImage } from './preprocess.ts';
export { resize } from './resize.ts';
