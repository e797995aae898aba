/** `wgrad explain IMAGE...`: attribution maps as overlays with a colour bar. */
import { join } from 'node:path';
import { WgradError } from '../errors.ts';
import {
  channelReduce,
  createExplainer,
  methodNames,
  methodOf,
  methods,
  printError,
  type Attribution,
  type Method,
  type MethodName,
  type MethodOptions,
} from '../explain/index.ts';
import { encodePng } from '../image/png.ts';
import { overlay } from '../image/overlay.ts';
import type { Image } from '../image/image.ts';
import { writeWhole } from '../node/write.ts';
import { choice, name, type OptionKind } from '../options.ts';
import { defineCommand } from './command.ts';
import { list, outFolder, shownAs } from './kinds.ts';
import { labelOf, modelOptions, networkOf, pictureModelOf } from './model.ts';
import { uniqueNames } from './names.ts';
import { pictureOptions, Pictures } from './pictures.ts';

/** One value a pixel of the picture: CAMs as they are, input maps summed over the colours. */
export function displayMap(a: Attribution): { map: Float32Array; signed: boolean } {
  if (a.upsampled) return { map: a.upsampled, signed: false };
  const absolute = a.method === 'gradient' || a.method === 'sum-of-outputs' || a.method === 'smoothgrad';
  return { map: channelReduce(a, absolute ? 'abs-max' : 'sum'), signed: !absolute };
}

export const renderAttribution = (image: Image, a: Attribution): Image => {
  const { map, signed } = displayMap(a);
  return overlay(image, map, { signed });
};

/** A class given by index or by label. */
export const targetOf = (text: string | undefined): number | string | undefined =>
  text === undefined ? undefined : /^\d+$/.test(text) ? Number(text) : text;

/** Command-line options out of the methods' own tables; one of the same name in several methods is one option. */
const methodOptions: Record<string, OptionKind<any>> = {};
for (const [method, { options }] of Object.entries(methods) as [string, Method][]) {
  for (const [key, kind] of Object.entries(options)) {
    if (!kind.parse) continue;
    const known = methodOptions[key];
    const fallback = kind.default === undefined ? '' : ` (default ${kind.default})`;
    const help = known ? known.help.replace(/^([^:]*):/, `$1, ${method}:`) : `${method}: ${kind.help}${fallback}`;
    // The method's own table has the default.
    methodOptions[key] = { ...kind, default: undefined, help };
  }
}

/** What the command line says of the options that a method knows. @throws WgradError 'usage'. */
function optionsOf(name: string, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = Object.entries(methodOf(name).options).filter(([key]) => given[key] !== undefined);
  for (const [key, kind] of own) {
    if (!kind.accepts(given[key])) throw new WgradError('usage', `${name}: --${key}: ${kind.allowed} is needed`);
  }
  return Object.fromEntries(own.map(([key]) => [key, given[key]]));
}

export const explainCommand = defineCommand({
  summary: 'show which pixels speak for a class',
  usage: '[--model FILE.onnx] [--method NAME[,NAME...]] [--target CLASS] IMAGE|FOLDER...',
  arity: [1, Infinity],
  options: {
    ...modelOptions,
    ...pictureOptions,
    method: list(choice(methodNames, 'grad-cam', `of ${methodNames.join(', ')} (default grad-cam)`), 'NAMES'),
    target: shownAs('CLASS', name('index or label (default: the predicted class)')),
    ...methodOptions,
    out: outFolder('out/explain', 'folder for the PNGs'),
  },
  async run(c, o) {
    const names: MethodName[] = o.method.length > 0 ? [...new Set(o.method)] : ['grad-cam'];
    const given = o as Readonly<Record<string, unknown>>;
    const settings = names.map((method) => ({ method, ...optionsOf(method, given) }) as MethodOptions);
    const pictures = await Pictures.find(c, o);
    const network = await networkOf(c, o);
    if (typeof given['layer'] === 'string') network.resolve(given['layer']);
    const model = await pictureModelOf(c, network);
    const target = targetOf(o.target);
    const files = uniqueNames(pictures.paths);
    const results: object[] = [];
    for (const setting of settings) {
      const { method } = setting;
      const explainer = await createExplainer(model, setting);
      await pictures.each(c, model, async (picture, i) => {
        const a = await explainer.run(picture.input, {
          signal: c.signal,
          onProgress: ({ done, total }) => c.progress(`${method} ${picture.path}`, done, total),
          ...(target !== undefined && { target }),
        });
        const file = join(o.out, `${files[i]}.${method}.png`);
        await writeWhole(file, await encodePng(renderAttribution(picture.image, a)));
        const what = a.target === null ? 'sum of all classes' : labelOf(model, a.target);
        c.print(`${file}: ${picture.path}, ${method} for ${what}, score ${a.score.toFixed(3)}, ${printError(a.error)}`);
        results.push({ path: picture.path, file, method, target: a.target, score: a.score, error: a.error });
      });
      explainer.dispose();
    }
    c.result([...results, ...pictures.failures()]);
    pictures.finish(c);
  },
});
