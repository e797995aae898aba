import { WgradError } from '../errors.ts';

/** Beyond it every pixel of any picture is the mean of all, and the kernel alone takes seconds. */
const WIDEST = 1024;

/** @throws WgradError 'limit-exceeded' for a blur, in pixels, that is wider than pictures are. */
export function checkBlur(pixels: number): void {
  if (pixels <= WIDEST) return;
  throw new WgradError('limit-exceeded', `a blur of ${pixels} pixels; ${WIDEST} at most`, {
    remedy: 'A tenth of the picture is usual',
  });
}

/**
 * Means over boxes of size x size pixels, of the pixels from floor(size / 2) before to what is left after; beyond the
 * border the picture goes on as in a mirror that stands on the border pixel (cv2.blur's default).
 * @param pixels [C,H,W]
 * @throws WgradError 'limit-exceeded'.
 */
export function boxBlur(
  pixels: Float32Array,
  [channels, height, width]: readonly [number, number, number],
  size: number,
): Float32Array {
  checkBlur(size);
  const plane = height * width;
  const rows = new Float64Array(pixels.length);
  for (let line = 0; line < channels * height; line++) blurLine(pixels, rows, line * width, 1, width, size);
  const out = new Float64Array(pixels.length);
  for (let c = 0; c < channels; c++) {
    for (let x = 0; x < width; x++) blurLine(rows, out, c * plane + x, width, height, size);
  }
  return Float32Array.from(out);
}

function blurLine(
  from: ArrayLike<number>,
  to: Float64Array,
  start: number,
  step: number,
  length: number,
  size: number,
): void {
  const at = (i: number) => from[start + step * mirrored(i, length)]!;
  const before = Math.floor(size / 2);
  let sum = 0;
  for (let i = -before; i < size - before; i++) sum += at(i);
  for (let i = 0; i < length; i++) {
    to[start + step * i] = sum / size;
    sum += at(i + size - before) - at(i - before);
  }
}

function mirrored(i: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const place = ((i % period) + period) % period;
  return Math.min(place, period - place);
}
