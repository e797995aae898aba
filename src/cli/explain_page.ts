/** What `wgrad explain` leaves beside the PNG of each map: a figure of each picture as SVG and PNG, and one page of all. */
import { basename, dirname, join, resolve } from 'node:path';
import {
  comparison,
  drawMap,
  gridCss,
  gridHtml,
  gridSvg,
  imagePlot,
  targetInWords,
  valuesOf,
  type Attribution,
  type Explained,
  type FigureOptions,
  type Grid,
  type MethodName,
  type Target,
} from '../explain/index.ts';
import { enlarge, type Image } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import type { Model } from '../model/model.ts';
import { labelIndex } from '../model/target.ts';
import { svgToPng } from '../node/svg.ts';
import { writeWhole } from '../node/write.ts';
import { percent, raw, renderPage, type Content } from '../report/index.ts';
import { fileName, numbered } from './names.ts';

type Guess = Awaited<ReturnType<Model['classify']>>[number];

/** A picture of the command line, and what became of it. */
export interface Entry {
  path: string;
  image: Image;
  /** The classes with the highest scores. */
  guesses: readonly Guess[];
  targets: readonly Target[];
  /** By target, then by method; a reason in words where there is no map. */
  maps: (Attribution | string | undefined)[][];
}

/** A picture in a folder that is called as a class is one of that class. */
function truthOf(model: Model, path: string): string | undefined {
  const index = labelIndex(model.labels ?? [], basename(dirname(resolve(path))));
  return index < 0 ? undefined : model.labels![index];
}

/** What the network takes a picture for; where it is known what it is, whether that is right. */
export function guessed(guesses: readonly Guess[], truth: string | undefined) {
  const [first, ...others] = guesses.map((g) => `${g.label} ${percent(g.probability)}`);
  const next = others.length > 0 ? `; next: ${others.join(', ')}` : '';
  const isRight = truth === guesses[0]!.label;
  return {
    text: `Taken for ${first}${truth === undefined || isRight ? '' : `, but it is ${truth}`}${next}.`,
    ...(truth !== undefined && { verdict: isRight ? ('right' as const) : ('wrong' as const) }),
  };
}

/** The map as it is drawn, one value a pixel: a third of what is kept for a picture in colours. */
export function slim(a: Attribution, options: FigureOptions): Attribution {
  const { values, width, height } = valuesOf(a, { ...options, sign: 'all' });
  return a.shape[0] === 1 ? a : { ...a, map: values, shape: [1, height, width] };
}

/** Enlarged to about 224 pixels where it is small, so that viewers do not smooth it. */
export async function mapPng(image: Image, a: Attribution, options: FigureOptions): Promise<Uint8Array> {
  const { picture } = drawMap(image, a, options);
  return encodePng(enlarge(picture, Math.max(1, Math.round(224 / picture.width))));
}

/** The names of all files, by picture, target and method; never the same for two. */
export function fileNames(
  stems: readonly string[],
  targets: readonly (readonly string[])[],
  methods: readonly string[],
): { maps: string[][][]; pictures: string[]; outputs: string[] } {
  const maps = stems.flatMap((stem, i) =>
    targets[i]!.flatMap((target) =>
      methods.map((m) => [stem, m, ...(targets[i]!.length > 1 ? [fileName(target)] : [])].join('.')),
    ),
  );
  const all = numbered([...stems, ...methods.map((m) => `outputs.${m}`), ...maps]);
  let at = stems.length + methods.length;
  return {
    pictures: all.slice(0, stems.length),
    outputs: all.slice(stems.length, at),
    maps: stems.map((_, i) => targets[i]!.map(() => all.slice(at, (at += methods.length)))),
  };
}

/** A row for each target. */
function rowsOf(model: Model, entry: Entry): Explained[] {
  const { text, verdict } = guessed(entry.guesses, truthOf(model, entry.path));
  return entry.targets.map((target, t): Explained => {
    const maps = entry.maps[t] ?? [];
    const known = maps.find((a) => typeof a === 'object' && a.target !== null);
    const what = typeof known === 'object' ? targetInWords(known) : typeof target === 'number' ? model.labelOf(target) : String(target); // prettier-ignore
    const explained = `Explained: ${what}.`;
    return { image: entry.image, title: basename(entry.path), text: [text, explained], verdict, maps };
  });
}

export interface ExplainReport {
  folder: string;
  model: Model;
  entries: readonly Entry[];
  methods: readonly MethodName[];
  options: FigureOptions;
  names: ReturnType<typeof fileNames>;
  command: string;
  intro: readonly string[];
  warning?: Content;
}

const ranks = ['first', 'second', 'third'];

/** As SVG, whose text stays text, and as PNG. */
async function writeFigure(path: string, grid: Grid): Promise<void> {
  const svg = await gridSvg(grid);
  await writeWhole(`${path}.svg`, svg);
  await writeWhole(`${path}.png`, await svgToPng(svg));
}

/** SHAP's image plot of each method, where several targets were explained. */
async function writeOutputs({ folder, methods, options, names }: ExplainReport, rows: Explained[][]) {
  const outputs = Math.max(...rows.map((own) => own.length));
  if (outputs < 2) return;
  const titles = Array.from({ length: outputs }, (_, t) => `${ranks[t] ?? `${t + 1}th`} output`);
  for (const k of methods.keys()) {
    const pictures = rows.map((own) => ({
      ...own[0]!,
      text: own[0]!.text!.slice(0, 1),
      maps: own.map((r) => r.maps[k]),
    }));
    if (!pictures.some((p) => p.maps.some((a) => typeof a === 'object'))) continue;
    const plot = imagePlot(pictures, titles, options);
    await writeFigure(join(folder, names.outputs[k]!), plot);
  }
}

/** @returns the page's path. */
export async function writeReport(report: ExplainReport): Promise<string> {
  const { folder, model, entries, methods, options, names, command, intro, warning } = report;
  const rows = entries.map((entry) => rowsOf(model, entry));
  for (const [i, own] of rows.entries()) {
    await writeFigure(join(folder, names.pictures[i]!), comparison(own, methods, options));
  }
  await writeOutputs(report, rows);
  const body = raw(await gridHtml(comparison(rows.flat(), methods, options)));
  const page = join(folder, 'index.html');
  const title = 'What the network looks at';
  await writeWhole(page, renderPage({ title, intro, warning, sections: [{ body }], command, css: gridCss }));
  return page;
}
