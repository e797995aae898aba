/** How a picture becomes the network's input: x = (rgb / 255 - mean) / std, after resize and centre crop. */
import { WgradError } from '../errors.ts';

/** How a picture becomes a model's input: resized, cropped, scaled, normalised. */
export interface Preprocess {
  /** Per channel, of pixel values in [0, 1]. */
  mean: readonly number[];
  std: readonly number[];
  /** The shorter side is resized to this many pixels; absent: to the network's own input size. */
  resize?: number;
  /** Side of the centre crop, pixels. */
  crop?: number;
}

/** Pixel values in [0, 1], as they are. */
export const plainPixels = (channels: number): Preprocess => ({
  mean: new Array<number>(channels).fill(0),
  std: new Array<number>(channels).fill(1),
});

/** Writes what {@link parsePreprocess} reads. */
export const printPreprocess = ({ mean, std, resize, crop }: Preprocess): string =>
  JSON.stringify({ mean, std, resize_shorter_side: resize, crop });

/** Reads the `preprocess` entry of a model's metadata. */
export function parsePreprocess(json: unknown): Preprocess {
  const entry = (json ?? {}) as Record<string, unknown>;
  const numbers = (name: string): number[] => {
    const list = entry[name];
    if (!Array.isArray(list) || list.length === 0 || !list.every((v) => Number.isFinite(v))) {
      throw new WgradError('onnx-invalid', `the model's preprocess metadata has no list of numbers '${name}'`);
    }
    return list as number[];
  };
  const std = numbers('std');
  if (std.includes(0)) throw new WgradError('onnx-invalid', "the model's preprocess metadata has a zero in 'std'");
  const side = (name: string) => (Number.isInteger(entry[name]) ? (entry[name] as number) : undefined);
  const resize = side('resize_shorter_side');
  const crop = side('crop');
  return { mean: numbers('mean'), std, ...(resize !== undefined && { resize }), ...(crop !== undefined && { crop }) };
}
