/** What an evaluation says, as sections of a page and as a page of its own: by class, calibration, worst mistakes. */
import type { Model } from '../model/model.ts';
import { encodePng } from '../image/png.ts';
import {
  chartFigure,
  facts,
  gallery,
  lineChart,
  markup,
  matrix,
  percent,
  renderPage,
  table,
  type Content,
  type Page,
  type Picture,
  type Section,
} from '../report/index.ts';
import type { Dataset } from '../train/dataset.ts';
import type { Evaluation } from '../train/evaluate.ts';
import { calibration, classReport, fitTemperature, labelReport, topK } from '../train/measures/index.ts';
import { worstMistakes, type Mistake } from './outcome.ts';

/** The figures of an evaluation, for a line, a page or JSON. */
export function measuresOf(evaluation: Evaluation) {
  const pictures = evaluation.labels.length;
  if (evaluation.wanted) return { pictures, loss: evaluation.loss, ...labelReport({ ...evaluation, wanted: evaluation.wanted }) }; // prettier-ignore
  const { perClass, macro, weighted } = classReport(evaluation.confusion);
  const { ece, brier } = calibration(evaluation);
  return {
    pictures,
    accuracy: evaluation.accuracy,
    loss: evaluation.loss,
    ...(evaluation.classes > 5 && { top5: topK(evaluation, 5) }),
    macro,
    weighted,
    /** Expected calibration error over 15 bins, and what the logits are best divided by. */
    calibrationError: ece,
    brier,
    temperature: fitTemperature(evaluation),
    perClass,
  };
}

export function evaluationSections(evaluation: Evaluation, classes: readonly string[]): Section[] {
  return evaluation.wanted ? [byClass(evaluation, classes)] : [byClass(evaluation, classes), reliability(evaluation)];
}

/** Rows are what pictures are, columns what they are taken for. */
export const confusionTable = (confusion: Evaluation['confusion'], classes: readonly string[], title = 'Confusion') =>
  matrix({ title, axes: ['is', 'is taken for'], rows: classes, columns: classes, values: confusion, tint: 'verdict' });

function byClass(evaluation: Evaluation, classes: readonly string[]): Section {
  const { confusion, labels, wanted } = evaluation;
  const report = wanted ? labelReport({ ...evaluation, wanted }) : classReport(confusion);
  const rows = report.perClass.map((m, c) => [classes[c] ?? `class ${c}`, percent(m.precision), percent(m.recall), percent(m.f1), m.support]); // prettier-ignore
  const { macro } = report;
  const end = { align: 'end' } as const;
  return {
    title: 'By class',
    text: 'Precision: of what was called so, the share that is. Recall: of what is so, the share that was called so. F1 is their harmonic mean. All on held-out pictures.',
    body: [
      // What several labels are taken for is no pair of classes.
      !wanted && confusionTable(confusion, classes),
      table({
        caption: 'Per class',
        columns: ['class', { title: 'precision', ...end }, { title: 'recall', ...end }, { title: 'F1', ...end }, { title: 'pictures', ...end }], // prettier-ignore
        rows: [...rows, ['mean over classes', percent(macro.precision), percent(macro.recall), percent(macro.f1), labels.length]], // prettier-ignore
      }),
    ],
  };
}

function reliability(evaluation: Evaluation): Section {
  const { bins, ece } = calibration(evaluation, { bins: 10 });
  const full = bins.filter(({ count }) => count > 0);
  const chart = lineChart({
    title: 'Reliability',
    x: { label: 'confidence', domain: [0, 1], format: (v) => percent(v, 0) },
    y: { label: 'right', domain: [0, 1], format: (v) => percent(v, 0) },
    series: [
      { name: 'held out', points: full.map((b) => [b.confidence, b.accuracy] as const) },
      { name: 'as often right as sure', points: [[0, 0], [1, 1]], dashed: true, color: 'var(--quiet)' }, // prettier-ignore
    ],
  });
  return {
    title: 'How far to believe its confidence',
    text: `Below the line it is surer than it should be. Expected calibration error: ${percent(ece)}. Its logits are best divided by ${fitTemperature(evaluation).toPrecision(3)}.`,
    body: chartFigure(chart),
  };
}

export async function mistakesSection(list: readonly Mistake[], classes: readonly string[]): Promise<Section> {
  if (list.length === 0) return { title: 'Mistakes', text: 'None on these pictures.' };
  const body: Content[] = [];
  for (const m of list) {
    const [is, guess] = [classes[m.label]!, classes[m.guess]!];
    const row: Picture[] = [{ source: await encodePng(m.image), alt: m.name, caption: `${m.name}: ${is}` }];
    if (m.before) row.push({ source: await encodePng(m.before), alt: `what spoke for ${guess} before`, caption: `for ${guess}, before` }); // prettier-ignore
    row.push({ source: await encodePng(m.after), alt: `what speaks for ${guess}`, caption: m.before ? `for ${guess}, after` : `for ${guess}` }); // prettier-ignore
    const title = markup`<h3>${is}, taken for ${guess} (${percent(m.confidence, 0)} sure)</h3>`;
    body.push(title, gallery(row, { width: 160 }));
  }
  const text = `Wrong, and surest of it. Grad-CAM of the wrong guess${list[0]!.before ? ', before training and after' : ''}.`;
  return { title: 'Worst mistakes', text, body };
}

/** One self-contained HTML page about a model on held-out pictures. */
export async function evaluationPage(
  model: Model,
  data: Dataset,
  evaluation: Evaluation,
  options: { title?: string; command?: string; files?: Page['files']; signal?: AbortSignal } = {},
): Promise<string> {
  const { accuracy, macro, pictures, ...more } = measuresOf(evaluation);
  const top5 = 'top5' in more ? more.top5 : undefined;
  const mistakes = await worstMistakes(model, data, evaluation, { signal: options.signal });
  return renderPage({
    title: options.title ?? 'Evaluation',
    intro: [`${pictures} pictures of ${data.classes.length} classes.`],
    facts: facts([
      { value: percent(accuracy), label: 'right' },
      ...(top5 === undefined ? [] : [{ value: percent(top5), label: 'among the first five' }]),
      { value: percent(macro.f1), label: 'F1, mean over classes' },
    ]),
    sections: [...evaluationSections(evaluation, data.classes), await mistakesSection(mistakes, data.classes)],
    ...(options.command !== undefined && { command: options.command }),
    ...(options.files && { files: options.files }),
  });
}
