/** A watched training in TensorBoard: which tags it writes, and when. */
import { WgradError } from '../errors.ts';
import { resize } from '../image/resize.ts';
import { mean } from '../ops/reduce.ts';
import type { Model } from '../model/model.ts';
import type { SummaryWriter } from '../tensorboard/index.ts';
import type { Dataset } from '../train/dataset.ts';
import type { EpochEvent, StepEvent } from '../train/events.ts';
import { measuresOf } from './evaluation.ts';
import { predicted, softmaxRows } from '../train/measures/scores.ts';
import type { State } from './drift.ts';
import { graphNodes } from './graph.ts';
import { imageOf } from '../model/image_space.ts';
import type { Look } from './look.ts';
import { pictureOf } from './outcome.ts';
import type { TrainingStory } from './training.ts';

/** Classes that get a curve of their own. */
const MOST_CURVES = 32;
/** Wrongly classified pictures in one sheet. */
const MOST_MISTAKES = 16;
/** Points of the projector, and the side of their thumbnails in pixels. */
const MOST_POINTS = 500;
const THUMBNAIL = 48;

/** Slashes nest: `layer4.0.conv1.weight` -> `weights/layer4.0.conv1/weight`. */
const tag = (kind: string, name: string) => `${kind}/${name.replace(/\.(?=[^.]*$)/, '/')}`;

export function logStart(log: SummaryWriter, model: Model, { before, start, hyperparameters }: TrainingStory): void {
  log.addGraph(graphNodes(model));
  const rows = Object.entries({ pictures: start!.pictures, epochs: start!.epochs, trained: start!.trained.length, ...hyperparameters }); // prettier-ignore
  log.addText(
    'training',
    `| | |\n|---|---|\n${rows.map(([key, value]) => `| ${key} | ${String(value)} |`).join('\n')}`,
    0,
  );
  if (before) logEvaluation(log, before, 0);
}

export function logStep(log: SummaryWriter, { step, loss, lr, correct, pictures, seconds }: StepEvent): void {
  log.addScalar('loss/train', loss, step);
  log.addScalar('accuracy/step', correct / pictures, step);
  log.addScalar('learning rate', lr, step);
  log.addScalar('speed/pictures per second', pictures / seconds, step);
}

const histograms = (log: SummaryWriter, kind: string, step: number, values: State) => {
  for (const [name, data] of values) {
    try {
      log.addHistogram(tag(kind, name), data, step);
    } catch (error) {
      // The guard of the training says what a NaN means; a diagram of it cannot be drawn.
      if (!(error instanceof WgradError) || error.code !== 'not-finite') throw error;
      log.addText(tag(kind, name), `no histogram: ${error.message}`, step);
    }
  }
};

export const logGradients = (log: SummaryWriter, step: number, gradients: State): void =>
  histograms(log, 'gradients', step, gradients);

export async function logEpoch(
  log: SummaryWriter,
  model: Model,
  { epoch, step, accuracy, validation }: EpochEvent,
  story: TrainingStory,
  weights: State | undefined,
  data: Dataset | undefined,
): Promise<void> {
  log.addScalar('epoch', epoch, step);
  log.addScalar('accuracy/train', accuracy, step);
  for (const { name, relative } of story.moved) if (Number.isFinite(relative)) log.addScalar(`moved/${name}`, relative, step); // prettier-ignore
  if (weights) histograms(log, 'weights', step, weights);
  if (!validation) return;
  logEvaluation(log, validation, step);
  const { classes, wanted } = validation;
  const probabilities = wanted ? validation.scores.map((z) => 1 / (1 + Math.exp(-z))) : softmaxRows(validation);
  for (let c = 0; c < Math.min(story.classes.length, MOST_CURVES); c++) {
    const labels = Array.from(validation.labels, (label, i) => (wanted ? wanted[i * classes + c]! > 0.5 : label === c));
    const scores = Float64Array.from(labels, (_, i) => probabilities[i * classes + c]!);
    log.addPrCurve(`precision-recall/${story.classes[c]}`, labels, scores, step);
  }
  if (data && !wanted) await logMistakes(log, model, validation, data, step);
}

function logEvaluation(log: SummaryWriter, evaluation: NonNullable<EpochEvent['validation']>, step: number): void {
  log.addScalar('loss/held out', evaluation.loss, step);
  log.addScalar('accuracy/held out', evaluation.accuracy, step);
  const measures = measuresOf(evaluation);
  log.addScalar('held out/macro F1', measures.macro.f1, step);
  if ('calibrationError' in measures) log.addScalar('held out/calibration error', measures.calibrationError, step);
}

async function logMistakes(
  log: SummaryWriter,
  model: Model,
  evaluation: NonNullable<EpochEvent['validation']>,
  data: Dataset,
  step: number,
) {
  // prettier-ignore
  const guesses = predicted(evaluation);
  const wrong = Array.from(guesses.keys()).filter((i) => guesses[i] !== evaluation.labels[i]).slice(0, MOST_MISTAKES); // prettier-ignore
  if (wrong.length === 0) return;
  const pictures = await Promise.all(wrong.map(async (i) => imageOf(model, (await pictureOf(model, data, i)).input)));
  await log.addImages('wrongly classified', pictures, step);
}

export async function logLook(log: SummaryWriter, model: Model, { maps, units }: Look, step: number): Promise<void> {
  for (const { picture } of step === 0 ? maps : [])
    await log.addImage(`pinned/${picture.name}`, imageOf(model, picture.input), step);
  for (const { picture, method, image, place } of maps) {
    await log.addImage(`maps/${method}/${picture.name}`, image, step);
    if (place.object !== undefined) log.addScalar(`on object/${method}/${picture.name}`, place.object, step);
    log.addScalar(`on border/${method}/${picture.name}`, place.border, step);
  }
  for (const { unit, objective, image } of units) {
    await log.addImage(`units/${unit}`, image, step);
    log.addScalar(`activation/${unit}`, objective, step);
  }
}

/** One line of the HPARAMS page, and the projector. */
export async function lastEntries(
  log: SummaryWriter,
  model: Model,
  story: TrainingStory,
  data: Dataset | undefined,
  signal?: AbortSignal,
): Promise<void> {
  // prettier-ignore
  const last = story.epochs.at(-1);
  if (!last) return;
  const metrics: Record<string, number> = { 'result/train loss': last.loss, 'result/train accuracy': last.accuracy };
  if (last.validation) Object.assign(metrics, { 'result/held-out accuracy': last.validation.accuracy, 'result/held-out loss': last.validation.loss }); // prettier-ignore
  log.addHparams({ epochs: last.epoch, ...story.hyperparameters }, metrics, { run: 'hparams', step: last.step });
  if (data) await logProjector(log, model, story, data, last.step, signal);
}

/** What the head reads of each held-out picture: the mean over space of the last feature map. */
async function logProjector(
  log: SummaryWriter,
  model: Model,
  { classes }: TrainingStory,
  data: Dataset,
  step: number,
  signal?: AbortSignal,
) {
  // prettier-ignore
  const graph = model.graph();
  const map = graph.map();
  const features = mean(map.channelsFirst(map.value), [2, 3]);
  const program = await model.engine.compile({ outputs: { features } }, { signal });
  try {
    const count = Math.min(data.length, MOST_POINTS);
    const [points, metadata, thumbnails] = [[] as Float32Array[], [] as string[][], [] as ReturnType<typeof resize>[]];
    for (let i = 0; i < count; i++) {
      const { input, label, name } = await pictureOf(model, data, i);
      const out = await program.run({ [model.inputName]: input }, { signal });
      points.push(out.features);
      metadata.push([classes[label]!, name]);
      thumbnails.push(resize(imageOf(model, input), THUMBNAIL, THUMBNAIL));
    }
    await log.addEmbedding(points, { tag: 'held out', step, metadata, header: ['class', 'picture'], thumbnails });
  } finally {
    program.dispose();
  }
}
