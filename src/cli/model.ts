/** Models by their paths; without a path, the embedded model. */
import { WgradError } from '../errors.ts';
import { imagenetPreprocess } from '../image/preprocess.ts';
import { parsePreprocess } from '../image/preprocess_spec.ts';
import { Model } from '../model/model.ts';
import { imagenetLabels } from '../node/manifest.ts';
import { importOnnxFile } from '../node/onnx.ts';
import { packageFolder } from '../node/package.ts';
import { readText } from '../node/read.ts';
import type { ImportOptions, OnnxNetwork } from '../onnx/network.ts';
import { custom, name, type OptionKind } from '../options.ts';
import type { Context } from './command.ts';
import { shownAs } from './kinds.ts';

export const embeddedModel = `${packageFolder}weights/shapes.onnx`;

type Extents = readonly [number, number];

const isExtents = (v: unknown) =>
  Array.isArray(v) && v.length === 2 && v.every((n) => Number.isSafeInteger(n) && n > 0);

/** `224` or `224x320`. */
const size: OptionKind<Extents> = {
  ...custom<Extents>('height and width of pictures (default: those of the file)', 'HxW or one whole number', isExtents),
  placeholder: 'HxW',
  parse(text) {
    const sides = text.split('x').map((t) => (/^\d+$/.test(t) ? Number(t) : NaN));
    return sides.length > 2 ? undefined : [sides[0]!, sides[1] ?? sides[0]!];
  },
};

export const modelOptions = {
  model: shownAs('FILE', name('an ONNX file, or fetched weights by name (default: the embedded model)')),
  labels: shownAs('FILE', name('class names, a JSON list or one a line; or: imagenet')),
  preprocess: shownAs('FILE', name('JSON with mean, std, resize_shorter_side, crop; or: imagenet')),
  output: name('the output that holds the class scores, where the file has several'),
  size,
};

export interface ModelChoice {
  model?: string | undefined;
  labels?: string | undefined;
  preprocess?: string | undefined;
  output?: string | undefined;
  size?: Extents | undefined;
  /** Where the pictures have several labels each. */
  scores?: 'multi-label' | undefined;
}

/**
 * The model may be given by its option, or as the first argument, by the ending of its name.
 * @returns the choice, and the other arguments.
 */
export function modelFirst<C extends ModelChoice>(c: Context, o: C): { choice: C; others: readonly string[] } {
  const [first, ...others] = c.positionals;
  const isModel = o.model === undefined && first !== undefined && /\.onnx$/i.test(first);
  return isModel ? { choice: { ...o, model: first }, others } : { choice: o, others: c.positionals };
}

/**
 * The network that the options name: read, checked, and on no device yet, so that what they get wrong is said before an
 * adapter is opened.
 */
export async function networkOf(c: Context, o: ModelChoice): Promise<OnnxNetwork> {
  const options: ImportOptions = { signal: c.signal, output: o.output, size: o.size, scores: o.scores };
  if (o.labels !== undefined) options.labels = o.labels === 'imagenet' ? imagenetLabels() : await readLabels(o.labels);
  if (o.preprocess === 'imagenet') options.preprocess = imagenetPreprocess;
  else if (o.preprocess !== undefined) options.preprocess = parsePreprocess(await readJson(o.preprocess));
  return importOnnxFile(o.model ?? embeddedModel, options);
}

/** The network on the adapter; notes what was found amiss in its file. */
export async function modelOf(c: Context, network: OnnxNetwork): Promise<Model> {
  const model = new Model(await c.engine(), network);
  for (const warning of model.warnings) c.note(`warning: ${warning}`);
  return model;
}

/** {@link modelOf} for commands that feed pictures. */
export async function pictureModelOf(c: Context, network: OnnxNetwork): Promise<Model> {
  const model = await modelOf(c, network);
  if (!model.preprocess) {
    c.note('the model does not say how pictures become its input: pixels in [0, 1] do; see --preprocess');
  }
  return model;
}

/** A JSON list, or one name a line. */
async function readLabels(path: string): Promise<string[]> {
  const text = await readText(path);
  if (!text.trimStart().startsWith('[')) return text.trim().split(/\r?\n/);
  const list = await readJson(path);
  if (Array.isArray(list) && list.every((v) => typeof v === 'string')) return list;
  throw new WgradError('file-format', `${path}: a JSON list of names is needed`);
}

async function readJson(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WgradError('file-format', `${path} is not JSON`, { cause });
  }
}
