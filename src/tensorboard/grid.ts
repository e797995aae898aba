/** Pictures as TensorBoard wants them: 8-bit, several in one sheet. */
import { WgradError } from '../errors.ts';
import { blank, checkImage, type Image, type Planes, type RgbaImage } from '../image/image.ts';

/** 8-bit RGB or RGBA, or float planes [1 or 3, H, W] in 0..1, clipped and truncated to 8 bits as PyTorch's writer does. */
export type Picture = Image | RgbaImage | Planes;

const byte = (v: number) => Math.floor(Math.min(1, Math.max(0, v)) * 255);

/** @throws 'invalid-argument', 'not-finite' */
export function toImage(picture: Picture): Image | RgbaImage {
  if (!('channels' in picture)) {
    checkImage(picture, picture.data.length === 4 * picture.width * picture.height ? 4 : 3);
    return picture;
  }
  const { width, height, channels, data } = picture;
  const area = width * height;
  if ((channels !== 1 && channels !== 3) || data.length !== channels * area || area === 0)
    throw new WgradError('invalid-argument', `a picture of ${channels} x ${height} x ${width} with ${data.length} values; 1 or 3 channels are drawn`); // prettier-ignore
  const bad = data.findIndex((v) => Number.isNaN(v));
  if (bad >= 0) throw new WgradError('not-finite', `a picture of ${channels} x ${height} x ${width}: value ${bad} is NaN`); // prettier-ignore
  const image = blank(width, height);
  for (let i = 0; i < area; i++)
    for (let c = 0; c < 3; c++) image.data[3 * i + c] = byte(data[(c % channels) * area + i]!);
  return image;
}

/** Pictures of one size side by side, `columns` a row, the rest of the last row black. */
export function grid(pictures: readonly Picture[], columns: number): Image {
  const images = pictures.map(toImage);
  const [first] = images;
  if (!first) throw new WgradError('invalid-argument', 'a sheet of no pictures');
  const { width, height } = first;
  const across = Math.min(columns, images.length);
  const sheet = blank(across * width, Math.ceil(images.length / columns) * height);
  images.forEach((image, index) => {
    if (image.width !== width || image.height !== height || image.data.length !== 3 * width * height)
      throw new WgradError('invalid-argument', `a sheet's picture ${index} has ${image.width} x ${image.height} pixels of ${image.data.length / image.width / image.height} bytes, the first ${width} x ${height} of 3`); // prettier-ignore
    const [left, top] = [(index % columns) * width, Math.floor(index / columns) * height];
    for (let y = 0; y < height; y++)
      sheet.data.set(image.data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((top + y) * sheet.width + left));
  });
  return sheet;
}
