/** `wgrad evaluate MODEL --images DIR`: how good a model is on labelled pictures, and where it is wrong. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WgradError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { normalize, resizeAndCrop } from '../image/preprocess.ts';
import { decodeImage } from '../node/image.ts';
import { isFolder, isHidden, listPictures, skippedLine, type Skipped } from '../node/pictures.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, count, name, required } from '../options.ts';
import { percent } from '../report/index.ts';
import type { Dataset } from '../train/dataset.ts';
import { evaluate } from '../train/evaluate.ts';
import { evaluationPage, measuresOf } from '../watch/index.ts';
import { defineCommand, type Context } from './command.ts';
import { outFile, shownAs } from './kinds.ts';
import { modelOptions, networkOf, pictureModelOf, specOf } from './model.ts';
import { pictureOptions } from './pictures.ts';
import type { Model } from '../model/model.ts';

export const evaluateCommand = defineCommand({
  summary: 'accuracy, precision, recall, calibration and the worst mistakes on labelled pictures',
  usage: '[MODEL] --images DIR [--report PAGE.html]',
  arity: [0, 1],
  options: {
    ...modelOptions,
    ...pictureOptions,
    images: required(shownAs('DIR', name("DIR/CLASS/*.jpg; with DIR/train and DIR/val, DIR/val. Folders have the classes' names"))), // prettier-ignore
    batch: atMost(65_536, count(16, 'pictures a run')),
    report: outFile(undefined, 'a page: confusion matrix, per class, reliability, worst mistakes with their maps'),
  },
  async run(c, o) {
    const model = await pictureModelOf(c, await networkOf(c, { ...o, model: c.positionals[0] ?? o.model }));
    const { data, skipped } = await labelledPictures(c, model, o.images, o['max-pixels']);
    const line = skippedLine(skipped);
    if (line) c.note(line);
    const evaluation = await evaluate(model, data, {
      batchSize: o.batch,
      signal: c.signal,
      onProgress: (done, total) => c.progress('pictures', done, total),
    });
    const measures = measuresOf(evaluation);
    const { accuracy, top5, macro, calibrationError, temperature, perClass } = measures;
    c.print(`${data.length} pictures of ${perClass.filter(({ support }) => support > 0).length} classes`);
    c.print(`accuracy ${percent(accuracy)}${top5 === undefined ? '' : `, among the first five ${percent(top5)}`}, loss ${measures.loss.toFixed(3)}`); // prettier-ignore
    c.print(`mean over classes: precision ${percent(macro.precision)}, recall ${percent(macro.recall)}, F1 ${percent(macro.f1)}`); // prettier-ignore
    c.print(`calibration error ${percent(calibrationError)}; best temperature ${temperature.toPrecision(3)}`);
    const width = Math.max(5, ...data.classes.map((label) => label.length));
    c.print(`${'class'.padEnd(width)}  precision  recall      F1  pictures`);
    perClass.forEach(({ precision, recall, f1, support }, i) => {
      const cells = [percent(precision).padStart(9), percent(recall).padStart(7), percent(f1).padStart(7)];
      if (support > 0) c.print(`${data.classes[i]!.padEnd(width)}  ${cells.join(' ')}  ${String(support).padStart(8)}`);
    });
    if (o.report !== undefined) {
      await writeWhole(o.report, await evaluationPage(model, data, evaluation, { signal: c.signal }));
      c.print(`${o.report} written`);
    }
    c.result({ ...measures, classes: data.classes, confusion: evaluation.confusion, skipped });
  },
});

/** Every picture whose folder bears the name of one of the model's classes. */
async function labelledPictures(c: Context, model: Model, folder: string, maxPixels: number | undefined) {
  const { labels } = model;
  if (!labels) {
    throw new WgradError('invalid-argument', 'evaluate: the model does not name its classes', {
      remedy: 'Give their names in order: --labels FILE',
    });
  }
  const [train, held] = [join(folder, 'train'), join(folder, 'val')];
  const root = (await isFolder(train)) && (await isFolder(held)) ? held : folder;
  const names = await readdir(root).catch((cause: unknown) => {
    throw new WgradError('file-missing', `${root}: no such folder`, { cause });
  });
  const paths: { path: string; label: number }[] = [];
  const skipped: Skipped[] = [];
  for (const name of names.filter((n) => !isHidden(n)).sort()) {
    if (!(await isFolder(join(root, name)))) continue;
    const label = labels.indexOf(name);
    if (label < 0) {
      throw new WgradError('unknown-name', `${join(root, name)}: the model has no class '${name}'`, {
        remedy: `Its classes: ${labels.slice(0, 10).join(', ')}${labels.length > 10 ? ` and ${labels.length - 10} more` : ''}`,
      });
    }
    const listing = await listPictures(join(root, name));
    skipped.push(...listing.skipped);
    paths.push(...listing.pictures.map((path) => ({ path, label })));
  }
  // Cropped, 3 bytes a pixel: broken ones are known before anything is computed.
  const [, height, width] = model.pictureShape;
  const spec = specOf(model);
  const found: { path: string; label: number; image: Image }[] = [];
  for (const [i, { path, label }] of paths.entries()) {
    c.signal.throwIfAborted();
    try {
      const image = await decodeImage(path, maxPixels === undefined ? {} : { maxPixels });
      found.push({ path, label, image: resizeAndCrop(image, spec, { height, width }) });
    } catch (error) {
      if (!(error instanceof WgradError) || error.code !== 'image-decode') throw error;
      skipped.push({ path, reason: error.message.replace(`${path}: `, '') });
    }
    c.progress('pictures read', i + 1, paths.length);
  }
  if (found.length === 0) throw new WgradError('dataset-empty', `${root} has no picture in a folder of a class`);
  const data: Dataset = {
    length: found.length,
    classes: labels,
    get(index) {
      const { path, label, image } = found[index]!;
      return { input: normalize(image, spec), label, name: path };
    },
  };
  return { data, skipped };
}
