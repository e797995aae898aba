/** Animated pictures, encoded by sharp: WebP, small and with all colours, or GIF, which every program shows. */
import { WgradError } from '../errors.ts';
import { checkImage, type Image } from '../image/image.ts';
import { peer } from './peer.ts';

export const animationFormats = ['webp', 'gif'] as const;

/** Options of an animation. */
export interface AnimationOptions {
  format?: (typeof animationFormats)[number];
  /** Of each frame, milliseconds; default 80. The last one stays for a second. */
  delay?: number;
}

/**
 * @param frames of one size. It plays for ever.
 * @throws WgradError 'invalid-argument' where there is no frame, or they differ in size; 'package-missing' without sharp.
 */
export async function encodeAnimation(frames: readonly Image[], options: AnimationOptions = {}): Promise<Uint8Array> {
  const { format = 'webp', delay = 80 } = options;
  const [first] = frames;
  if (!first) throw new WgradError('invalid-argument', 'an animation needs a frame');
  const { width, height } = first;
  for (const frame of frames) {
    checkImage(frame);
    if (frame.width === width && frame.height === height) continue;
    throw new WgradError('invalid-argument', `frames of ${width} x ${height} and ${frame.width} x ${frame.height}`, {
      remedy: 'Bring them to one size',
    });
  }
  const { default: sharp } = await peer('sharp', () => import('sharp'), 'encoding animations');
  const data = new Uint8Array(frames.length * width * height * 3);
  frames.forEach((frame, i) => data.set(frame.data, i * width * height * 3));
  const raw = { width, height: height * frames.length, channels: 3, pageHeight: height } as const;
  const delays = frames.map((_, i) => (i === frames.length - 1 ? Math.max(delay, 1000) : delay));
  const animation = sharp(data, { raw, animated: true });
  const encoded = format === 'gif' ? animation.gif({ loop: 0, delay: delays }) : animation.webp({ loop: 0, delay: delays, quality: 85 }); // prettier-ignore
  return new Uint8Array(await encoded.toBuffer());
}
