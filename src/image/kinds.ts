/** What kind of picture a file is, by its first bytes: its name may say something else. */

export interface PictureKind {
  name: string;
  /** Whether it holds pixels that wgrad's decoders read. */
  decodable: boolean;
}

/** As many bytes as {@link pictureKind} looks at. */
export const KIND_BYTES = 132;

const ascii = (text: string) => [...text].map((c) => c.charCodeAt(0));

/** [name, offset, bytes]; the first that fits is taken. Brands of ISO files (AVIF, HEIC) come before `ftyp` alone. */
const decodable: readonly [string, number, readonly number[]][] = [
  ['JPEG', 0, [0xff, 0xd8, 0xff]],
  ['PNG', 0, [0x89, ...ascii('PNG\r\n'), 0x1a, 0x0a]],
  ['GIF', 0, ascii('GIF8')],
  ['WebP', 8, ascii('WEBP')],
  ['TIFF', 0, [...ascii('II'), 42, 0]],
  ['TIFF', 0, [...ascii('MM'), 0, 42]],
  ['BigTIFF', 0, [...ascii('II'), 43, 0]],
  ['BigTIFF', 0, [...ascii('MM'), 0, 43]],
  ['AVIF', 4, ascii('ftypavif')],
  ['AVIF', 4, ascii('ftypavis')],
];

/** Pictures that the decoders do not read: to be named, not to be called "no picture". */
const others: typeof decodable = [
  ['BMP', 0, ascii('BM')],
  ['HEIC', 4, ascii('ftyphe')],
  ['HEIF', 4, ascii('ftypmif1')],
  ['JPEG 2000', 4, ascii('jP  ')],
  ['JPEG 2000', 0, [0xff, 0x4f, 0xff, 0x51]],
  ['JPEG XL', 0, [0xff, 0x0a]],
  ['JPEG XL', 4, ascii('JXL ')],
  ['icon (ICO)', 0, [0, 0, 1, 0]],
  ['Photoshop', 0, ascii('8BPS')],
  ['OpenEXR', 0, [0x76, 0x2f, 0x31, 0x01]],
  ['Radiance HDR', 0, ascii('#?')],
  ['FITS', 0, ascii('SIMPLE  =')],
  ['DICOM', 128, ascii('DICM')],
  ['PDF', 0, ascii('%PDF')],
  ['SVG', 0, ascii('<svg')],
  ...['1', '2', '3', '4', '5', '6', '7'].map((n): [string, number, number[]] => ['PNM', 0, [...ascii(`P${n}`), 0x0a]]),
];

/** Undefined for what is no picture. @param start the file's first {@link KIND_BYTES} bytes, or all. */
export function pictureKind(start: Uint8Array): PictureKind | undefined {
  const fits = ([, offset, bytes]: (typeof decodable)[number]) => bytes.every((b, i) => start[offset + i] === b);
  const known = decodable.find(fits);
  if (known) return { name: known[0], decodable: true };
  const other = others.find(fits);
  return other && { name: other[0], decodable: false };
}
