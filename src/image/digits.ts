/** Numbers in a 3 x 5 pixel face, for the ticks of colour bars. */
import { fill, type Color, type Image } from './image.ts';

/** Rows of three bits from the top. */
const face: Record<string, readonly number[]> = {
  '0': [7, 5, 5, 5, 7],
  '1': [2, 6, 2, 2, 7],
  '2': [7, 1, 7, 4, 7],
  '3': [7, 1, 7, 1, 7],
  '4': [5, 5, 7, 1, 1],
  '5': [7, 4, 7, 1, 7],
  '6': [7, 4, 7, 5, 7],
  '7': [7, 1, 1, 2, 2],
  '8': [7, 5, 7, 5, 7],
  '9': [7, 5, 7, 1, 7],
  '-': [0, 0, 7, 0, 0],
  '.': [0, 0, 0, 0, 2],
  e: [0, 7, 7, 4, 7],
};

/** Width in pixels of `text` at a scale. */
export const textWidth = (text: string, scale: number): number => (text.length * 4 - 1) * scale;

/** Draws digits, '-', '.' and 'e' from (left, top). */
export function drawNumber(image: Image, text: string, left: number, top: number, scale: number, color: Color): void {
  [...text].forEach((c, i) =>
    face[c]?.forEach((bits, y) => {
      for (let x = 0; x < 3; x++) {
        if (!(bits & (4 >> x))) continue;
        const box = { left: left + (i * 4 + x) * scale, top: top + y * scale, width: scale, height: scale };
        fill(image, box, color);
      }
    }),
  );
}
