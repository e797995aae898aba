/** SVG as PNG, for places that take no SVG. */
import { peer } from './peer.ts';
import { WgradError } from '../errors.ts';

/** Dots an inch at which an SVG's px are px. */
const DPI = 72;

/**
 * The picture of an SVG, such as `gridSvg` of `wgrad/explain` writes: light, with the fonts of this machine.
 * @param scale pixels of the PNG for each px of the SVG. Default 2, for dense screens and for print.
 * @throws WgradError 'image-decode' for what is no SVG; 'package-missing' without sharp.
 */
export async function svgToPng(svg: string, { scale = 2 }: { scale?: number } = {}): Promise<Uint8Array> {
  const { default: sharp } = await peer('sharp', () => import('sharp'), 'drawing SVG');
  try {
    // The pictures inside are as long as they are.
    return await sharp(Buffer.from(svg), { density: DPI * scale, unlimited: true, limitInputPixels: false })
      .png({ palette: false, compressionLevel: 9 })
      .toBuffer();
  } catch (cause) {
    throw new WgradError('image-decode', `the SVG cannot be drawn: ${(cause as Error).message}`, { cause });
  }
}
