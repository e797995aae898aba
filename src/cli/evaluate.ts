/** `wgrad evaluate MODEL --images DIR`: how good a model is on labelled pictures, and where it is wrong. */
import { WgradError } from '../errors.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, count, name, required } from '../options.ts';
import { percent } from '../report/index.ts';
import { evaluate } from '../train/evaluate.ts';
import { evaluationPage, measuresOf } from '../watch/index.ts';
import { defineCommand } from './command.ts';
import { outFile, shownAs } from './kinds.ts';
import { labelledPictures } from './labelled.ts';
import { modelOptions, networkOf, pictureModelOf } from './model.ts';
import { pictureOptions } from './pictures.ts';

export const evaluateCommand = defineCommand({
  summary: 'accuracy, precision, recall, calibration and the worst mistakes on labelled pictures',
  usage: '[MODEL] --images DIR [--report PAGE.html]',
  arity: [0, 1],
  options: {
    ...modelOptions,
    ...pictureOptions,
    images: required(shownAs('DIR', name("DIR/CLASS/*.jpg; with DIR/train and DIR/val, DIR/val. Folders have the classes' names. Or a list, FILE.csv or FILE.json"))), // prettier-ignore
    batch: atMost(65_536, count(16, 'pictures a run')),
    report: outFile(undefined, 'a page: confusion matrix, per class, reliability, worst mistakes with their maps'),
  },
  async run(c, o) {
    const labelled = await labelledPictures(c, o.images, false);
    const scores = labelled.several ? ('multi-label' as const) : undefined;
    const model = await pictureModelOf(c, await networkOf(c, { ...o, scores, model: c.positionals[0] ?? o.model }));
    if (!model.labels) {
      throw new WgradError('invalid-argument', 'evaluate: the model does not name its classes', {
        remedy: 'Give their names in order: --labels FILE',
      });
    }
    const { data, skipped } = await labelled.heldOut(model, model.labels, o['max-pixels']);
    const evaluation = await evaluate(model, data, {
      batchSize: o.batch,
      signal: c.signal,
      onProgress: (done, total) => c.progress('pictures', done, total),
    });
    const measures = measuresOf(evaluation);
    const { accuracy, macro, perClass } = measures;
    const top5 = 'top5' in measures ? measures.top5 : undefined;
    c.print(`${data.length} pictures of ${perClass.filter(({ support }) => support > 0).length} classes`);
    c.print(`accuracy ${percent(accuracy)}${top5 === undefined ? '' : `, among the first five ${percent(top5)}`}, loss ${measures.loss.toFixed(3)}`); // prettier-ignore
    c.print(`mean over classes: precision ${percent(macro.precision)}, recall ${percent(macro.recall)}, F1 ${percent(macro.f1)}`); // prettier-ignore
    if ('temperature' in measures) c.print(`calibration error ${percent(measures.calibrationError)}; best temperature ${measures.temperature.toPrecision(3)}`); // prettier-ignore
    const column = Math.max(5, ...data.classes.map((label) => label.length));
    c.print(`${'class'.padEnd(column)}  precision  recall      F1  pictures`);
    perClass.forEach(({ precision, recall, f1, support }, i) => {
      const cells = [percent(precision).padStart(9), percent(recall).padStart(7), percent(f1).padStart(7)];
      if (support > 0)
        c.print(`${data.classes[i]!.padEnd(column)}  ${cells.join(' ')}  ${String(support).padStart(8)}`);
    });
    if (o.report !== undefined) {
      await writeWhole(o.report, await evaluationPage(model, data, evaluation, { signal: c.signal }));
      c.print(`${o.report} written`);
    }
    c.result({ ...measures, classes: data.classes, confusion: evaluation.confusion, skipped });
  },
});
