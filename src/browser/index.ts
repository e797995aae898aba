/** What only a page needs: its own decoder of pictures, and its canvas. */
export { decodeImage, toImageData, type DecodeOptions } from './image.ts';
export { folderLog } from './log_folder.ts';
