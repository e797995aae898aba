/** Pictures and models in a form that goes to a Worker: what only a page knows becomes what a Worker can read. */
import { WgradError } from '../errors.ts';
import { transfer } from './wire.ts';

const isA = (value: object, name: string) => {
  const type = (globalThis as Record<string, unknown>)[name];
  return typeof type === 'function' && value instanceof type;
};

/** Elements of a page; what they show is made a bitmap. */
const DRAWN = ['HTMLImageElement', 'SVGImageElement', 'HTMLVideoElement', 'HTMLCanvasElement', 'OffscreenCanvas'];

/** @throws WgradError 'image-decode', 'download-failed', 'invalid-argument'. */
export async function sendable(source: unknown): Promise<unknown> {
  // A Worker's own address is another.
  if (typeof source === 'string')
    return typeof document === 'undefined' ? source : new URL(source, document.baseURI).href;
  if (typeof source !== 'object' || source === null) return source;
  if (DRAWN.some((name) => isA(source, name))) {
    const drawn = source as HTMLImageElement;
    try {
      if ('decode' in drawn) await drawn.decode();
      const bitmap = await createImageBitmap(drawn, { imageOrientation: 'from-image' });
      return transfer(bitmap, [bitmap]);
    } catch (cause) {
      throw new WgradError('image-decode', 'there is nothing to see in the element yet', { cause });
    }
  }
  if (isA(source, 'Response')) {
    const response = source as Response;
    if (!response.ok) throw new WgradError('download-failed', `${response.url}: HTTP status ${response.status}`);
    return response.blob();
  }
  if (isA(source, 'GPUTexture') || isA(source, 'GPUBuffer')) {
    throw new WgradError('invalid-argument', 'what lies on a device of this page cannot be read in a Worker', {
      remedy: 'Give what it was made from, or use an engine of this page with { device }',
    });
  }
  return source;
}
