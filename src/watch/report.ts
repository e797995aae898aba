/** The page after a training: what it learnt, where it is wrong and why, what moved. One file, nothing to load. */
import type { Image, RgbaImage } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import {
  barChart,
  chartFigure,
  facts,
  gallery,
  markup,
  percent,
  renderPage,
  short,
  type Content,
  type Page,
  type Picture,
  type Section,
} from '../report/index.ts';
import { learningCurves } from './curves.ts';
import { evaluationSections, mistakesSection } from './evaluation.ts';
import type { TrainingStory } from './training.ts';

/** Options of {@link trainingPage}. */
export interface TrainingPageOptions {
  title?: string;
  /** What made it, for a shell. */
  command?: string;
  /** Other files, by their path from the page. */
  files?: Page['files'];
}

const png = (image: Image | RgbaImage) => encodePng(image);

/** One self-contained HTML page. */
export async function trainingPage(story: TrainingStory, options: TrainingPageOptions = {}): Promise<string> {
  const evaluation = story.epochs.at(-1)?.validation;
  const sections = [
    curves(story),
    ...(evaluation ? evaluationSections(evaluation, story.classes) : []),
    await maps(story),
    await ladders(story),
    evaluation && (await mistakesSection(story.mistakes, story.classes)),
    moved(story),
    await units(story),
  ];
  const { start, epochs, hyperparameters, warnings, before } = story;
  const last = epochs.at(-1);
  const settings = Object.entries(hyperparameters).map(([key, value]) => `${key} ${String(value)}`).join(', '); // prettier-ignore
  const numbers: { value: Content; label: Content }[] = [];
  if (last?.validation) numbers.push({ value: before ? `${percent(before.accuracy, 0)} \u2192 ${percent(last.validation.accuracy, 0)}` : percent(last.validation.accuracy), label: 'of the held-out pictures right' }); // prettier-ignore
  if (start) numbers.push({ value: start.pictures, label: 'pictures trained on' }, { value: start.trained.length, label: 'parameters unfrozen' }); // prettier-ignore
  return renderPage({
    title: options.title ?? 'Fine-tuning',
    intro: [
      last
        ? `${story.classes.length} classes, ${last.epoch} of ${last.epochs} epochs${settings ? `: ${settings}` : ''}.`
        : 'The training was stopped before its first epoch ended.',
    ],
    ...(numbers.length > 0 && { facts: facts(numbers) }),
    ...(warnings.length > 0 && { warning: markup`${warnings.map((w) => markup`<p>${w}</p>`)}` }),
    sections: sections.filter((section) => section !== undefined),
    ...(options.command !== undefined && { command: options.command }),
    ...(options.files && { files: options.files }),
  });
}

function curves({ steps, epochs, before }: TrainingStory): Section | undefined {
  if (steps.length === 0) return undefined;
  const held = epochs.flatMap(({ epoch, step, validation }) => (validation ? [{ ...validation, epoch, step }] : []));
  const body = learningCurves({
    losses: steps.map((s) => [s.step, s.loss] as const),
    rates: steps.map((s) => [s.step, s.lr] as const),
    training: epochs.map((e) => [e.epoch, e.accuracy] as const),
    held: before && held.length > 0 ? [{ ...before, epoch: 0, step: 0 }, ...held] : held,
  });
  return { title: 'Curves', body };
}

async function maps({ looks, classes }: TrainingStory): Promise<Section | undefined> {
  const first = looks[0];
  if (!first || first.maps.length === 0) return undefined;
  const chosen = spread(looks, 6);
  const body: Content[] = [];
  for (const [i, { picture, method }] of first.maps.entries()) {
    const cells = await Promise.all(
      chosen.map(async ({ epoch, maps: all }): Promise<Picture> => {
        const { image, place } = all[i]!;
        const where = place.object === undefined ? '' : `, ${percent(place.object, 0)} on the object`;
        return { source: await png(image), alt: `${method} of ${picture.name}, epoch ${epoch}`, caption: `${epoch === 0 ? 'before' : `epoch ${epoch}`}${where}` }; // prettier-ignore
      }),
    );
    body.push(markup`<h3>${picture.name} (${classes[picture.label] ?? `class ${picture.label}`}), ${method}</h3>`, gallery(cells, { width: 128 })); // prettier-ignore
  }
  return { title: 'Where it looks', text: 'The same pictures, explained again while the network was trained.', body };
}

/** The watched units, drawn again after each epoch from the same noise. */
async function ladders({ looks }: TrainingStory): Promise<Section | undefined> {
  const first = looks[0];
  if (!first || first.units.length === 0) return undefined;
  const chosen = spread(looks, 6);
  const body: Content[] = [];
  for (const [i, { unit }] of first.units.entries()) {
    const cells = await Promise.all(
      chosen.map(async ({ epoch, units: all }): Promise<Picture> => {
        const { image, objective } = all[i]!;
        return { source: await png(image), alt: `${unit}, epoch ${epoch}`, caption: `${epoch === 0 ? 'before' : `epoch ${epoch}`}: ${short(objective)}` }; // prettier-ignore
      }),
    );
    body.push(markup`<h3>${unit}</h3>`, gallery(cells, { width: 128 }));
  }
  return { title: 'What units respond to', text: 'Drawn again from the same noise while the network was trained; the numbers are activations.', body }; // prettier-ignore
}

/** First and last, and evenly between. */
function spread<T>(list: readonly T[], most: number): T[] {
  if (list.length <= most) return [...list];
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))]!);
}

function moved({ moved: layers }: TrainingStory): Section | undefined {
  const shown = layers.filter(({ relative }) => Number.isFinite(relative) && relative > 0);
  if (shown.length === 0) return undefined;
  const most = shown.toSorted((a, b) => b.relative - a.relative).slice(0, 24);
  const chart = barChart({
    title: 'Change of each layer',
    axis: { label: 'of its own length', format: (v) => percent(v) },
    bars: shown.filter((layer) => most.includes(layer)).map(({ name, relative }) => ({ name, values: [relative] })),
  });
  return { title: 'How far layers moved', text: 'L2 norm of the change over that of the weights before. Frozen layers did not move at all.', body: chartFigure(chart) }; // prettier-ignore
}

async function units({ units: list }: TrainingStory): Promise<Section | undefined> {
  if (list.length === 0) return undefined;
  const rows: Content[] = [];
  for (const { name, unit, relative, before, after } of list) {
    const row: Picture[] = [
      {
        source: await png(before.image),
        alt: `what raised it before`,
        caption: `before, activation ${short(before.objective)}`,
      },
      {
        source: await png(after.image),
        alt: `what raises it now`,
        caption: `after, activation ${short(after.objective)}`,
      },
    ];
    rows.push(
      markup`<h3>${name}, unit ${unit}${Number.isFinite(relative) && `: moved by ${percent(relative)}`}</h3>`,
      gallery(row, { width: 160 }),
    );
  }
  return {
    title: 'Units that changed most, and what they draw',
    text: 'Pictures made by activation ascent from the same noise.',
    body: rows,
  };
}
