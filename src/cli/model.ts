/** Models and pictures by their paths; without a path, the embedded model. */
import type { Engine } from '../engine.ts';
import type { Image } from '../image/image.ts';
import { preprocess, toImage } from '../image/preprocess.ts';
import { Model } from '../model/model.ts';
import type { Preprocess } from '../model/preprocess.ts';
import { decodeImage } from '../node/image.ts';
import { readOnnxFile } from '../node/onnx.ts';
import { packageFolder } from '../node/package.ts';
import { importOnnx } from '../onnx/network.ts';
import type { Context } from './command.ts';

export const embeddedModel = `${packageFolder}weights/shapes.onnx`;

/** @throws WgradError 'file-missing' and what {@link importOnnx} throws. */
export async function openModel(engine: Engine, path: string = embeddedModel): Promise<Model> {
  const { bytes, ...file } = await readOnnxFile(path);
  return new Model(engine, await importOnnx(bytes, file));
}

/** --model of the command line. */
export const modelOf = async (c: Context): Promise<Model> => openModel(await c.engine(), c.text('model'));

export const modelOption = {
  model: { type: 'string', value: 'FILE.onnx', help: 'the model; default: the embedded one' },
} as const;

/** The model's own preprocessing, or pixel values as they are where the file does not say. */
export const specOf = (model: Model): Preprocess => model.preprocess ?? { mean: [0, 0, 0], std: [1, 1, 1] };

export interface Picture {
  path: string;
  /** [C,H,W] in input space. */
  input: Float32Array;
  /** What the network sees, as RGB. */
  image: Image;
}

/** @throws WgradError 'file-missing', 'image-decode'. */
export async function openPicture(model: Model, path: string): Promise<Picture> {
  const [, height, width] = model.pictureShape;
  const input = preprocess(await decodeImage(path), specOf(model), { width, height });
  return { path, input, image: imageOf(model, input) };
}

/** [C,H,W] in input space as RGB. */
export function imageOf(model: Model, input: Float32Array): Image {
  const [, height, width] = model.pictureShape;
  return toImage(input, { width, height }, specOf(model));
}

export const labelOf = (model: Model, index: number): string => model.labels?.[index] ?? `class ${index}`;
