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
  type MethodOptions,
} from '../explain/index.ts';
import { encodePng } from '../image/png.ts';
import { overlay } from '../image/overlay.ts';
import type { Image } from '../image/image.ts';
import { prepareFolder, writeWhole } from '../node/write.ts';
import type { Command, Context } from './command.ts';
import { labelOf, modelOf, modelOption, openPicture } from './model.ts';
import { uniqueNames } from './names.ts';

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
const methodOptions: Command['options'] = {};
for (const [method, { options }] of Object.entries(methods) as [string, Method][]) {
  for (const [key, kind] of Object.entries(options)) {
    if (!kind.parse) continue;
    const known = methodOptions[key];
    if (known) known.help = known.help.replace(/^([^:]*):/, `$1, ${method}:`);
    else {
      const fallback = kind.default === undefined ? '' : ` (default ${kind.default})`;
      methodOptions[key] = { type: 'string', value: kind.placeholder, help: `${method}: ${kind.help}${fallback}` };
    }
  }
}

/** What the command line says of the options that a method knows. @throws WgradError 'usage'. */
function optionsOf(name: string, c: Context): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const [key, kind] of Object.entries(methodOf(name).options)) {
    const text = c.text(key);
    if (text === undefined || !kind.parse) continue;
    const value = kind.parse(text);
    if (value === undefined || !kind.accepts(value)) {
      throw new WgradError('usage', `--${key} ${text}: ${kind.allowed} is needed`);
    }
    given[key] = value;
  }
  return given;
}

export const explainCommand: Command = {
  summary: 'show which pixels speak for a class',
  usage: '[--model FILE.onnx] [--method NAME[,NAME...]] [--target CLASS] IMAGE...',
  options: {
    ...modelOption,
    method: { type: 'string', multiple: true, value: 'NAMES', help: `of ${methodNames.join(', ')} (default grad-cam)` },
    target: { type: 'string', value: 'CLASS', help: 'index or label (default: the predicted class)' },
    ...methodOptions,
    out: { type: 'string', value: 'DIR', help: 'folder for the PNGs', default: 'out/explain' },
  },
  async run(c) {
    if (c.positionals.length === 0) throw new WgradError('usage', 'explain: name at least one picture');
    const names = c.texts('method').length > 0 ? c.texts('method') : ['grad-cam'];
    const out = c.text('out')!;
    await prepareFolder(out);
    const model = await modelOf(c);
    const files = uniqueNames(c.positionals);
    const results = [];
    for (const name of names) {
      const explainer = await createExplainer(model, { method: name, ...optionsOf(name, c) } as MethodOptions);
      for (const [i, path] of c.positionals.entries()) {
        const picture = await openPicture(model, path);
        const target = targetOf(c.text('target'));
        const a = await explainer.run(picture.input, {
          signal: c.signal,
          onProgress: ({ done, total }) => c.progress(name, done, total),
          ...(target !== undefined && { target }),
        });
        const file = join(out, `${files[i]}.${name}.png`);
        await writeWhole(file, await encodePng(renderAttribution(picture.image, a)));
        const what = a.target === null ? 'sum of all classes' : labelOf(model, a.target);
        c.log(`${file}: ${path}, ${name} for ${what}, score ${a.score.toFixed(3)}, ${printError(a.error)}`);
        results.push({ path, file, method: name, target: a.target, score: a.score, error: a.error });
      }
      explainer.dispose();
    }
    c.result(results);
  },
};
