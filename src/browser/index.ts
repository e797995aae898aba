/** What only a page needs: its own decoder of pictures, and its canvas. */
export { decodeImage, toImageData, type DecodeOptions, type DrawnPicture } from '../image/decode.ts';
export { folderLog } from './log_folder.ts';
