/** Models and pictures by their paths; without a path, the embedded model. */
import type { Engine } from '../engine.ts';
import { WgradError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { imagenetPreprocess, preprocess, toImage } from '../image/preprocess.ts';
import type { Model } from '../model/model.ts';
import { parsePreprocess, type Preprocess } from '../image/preprocess_spec.ts';
import { decodeImage } from '../node/image.ts';
import { imagenetLabels } from '../node/manifest.ts';
import { loadOnnxFile } from '../node/onnx.ts';
import { packageFolder } from '../node/package.ts';
import { readText } from '../node/read.ts';
import type { ImportOptions } from '../onnx/network.ts';
import type { Context } from './command.ts';

export const embeddedModel = `${packageFolder}weights/shapes.onnx`;

/** @throws what {@link loadOnnxFile} throws. */
export const openModel = (engine: Engine, path = embeddedModel, options?: ImportOptions): Promise<Model> =>
  loadOnnxFile(engine, path, options);

/** --model, --labels and --preprocess of the command line. */
export async function modelOf(c: Context): Promise<Model> {
  const [labels, preprocess] = [c.text('labels'), c.text('preprocess')];
  const options: ImportOptions = {};
  if (labels !== undefined) options.labels = labels === 'imagenet' ? imagenetLabels() : await readLabels(labels);
  if (preprocess === 'imagenet') options.preprocess = imagenetPreprocess;
  else if (preprocess !== undefined) options.preprocess = parsePreprocess(await readJson(preprocess));
  const model = await openModel(await c.engine(), c.text('model'), options);
  if (!model.preprocess) {
    c.log('the model does not say how pictures become its input: pixels in [0, 1] do; see --preprocess');
  }
  return model;
}

/** A JSON list, or one name a line. */
async function readLabels(path: string): Promise<string[]> {
  const text = await readText(path);
  if (text.trimStart().startsWith('[')) return (await readJson(path)) as string[];
  return text.trim().split(/\r?\n/);
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WgradError('file-format', `${path} is not JSON`, { cause });
  }
}

export const modelOption = {
  model: {
    type: 'string',
    value: 'FILE.onnx',
    help: 'a file, or fetched weights by name; default: the embedded model',
  },
  labels: { type: 'string', value: 'FILE', help: 'class names, a JSON list or one a line; or: imagenet' },
  preprocess: { type: 'string', value: 'FILE', help: 'JSON with mean, std, resize_shorter_side, crop; or: imagenet' },
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
