/** The page of `wgrad trust`: a table and charts of the measures, the sanity check, costs, and maps to look at. */
import {
  compareTrust,
  comparison,
  drawMap,
  gridCss,
  gridHtml,
  measures,
  methodOf,
  methods as known,
  printForwards,
  summarizeTrust,
  type Attribution,
  type Beside,
  type Interval,
  type Measure,
  type MeasureName,
  type MethodName,
  type MethodTrust,
  type Randomized,
  type TrustResult,
  type TrustRow,
} from '../explain/index.ts';
import type { Image } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import {
  barChart,
  chartFigure,
  chartRow,
  gallery,
  markup,
  matrix,
  raw,
  renderPage,
  scatterChart,
  short,
  table,
  type Content,
  type Section,
} from '../report/index.ts';

export interface TrustFigures {
  samples: readonly { id: string; image: Image }[];
  /** By picture, then by method: of the first pictures. */
  maps: (Attribution | undefined)[][];
  methods: readonly MethodName[];
  /** Of the first picture, by method. */
  stages: Readonly<Record<string, readonly Randomized[]>>;
  /** [C,H,W] of the pictures. */
  shape: readonly [number, number, number];
}

export interface TrustPage {
  command: string;
  /** Measured elsewhere on the same pictures, such as by another library. */
  beside?: TrustResult | undefined;
  figures?: TrustFigures | undefined;
  /** Said at the top, where the run did not end. */
  warning?: string | undefined;
}

/** 0.83 [0.71, 0.92] */
const printed = (i: Interval | undefined): Content => {
  if (!i || i.count === 0) return '–';
  return Number.isFinite(i.low) ? `${short(i.mean)} [${short(i.low)}, ${short(i.high)}]` : short(i.mean);
};

const measured = (rows: readonly TrustRow[]): [MeasureName, Measure][] =>
  (Object.entries(measures) as [MeasureName, Measure][]).filter(([name]) => rows.some((r) => r.measures[name]));

/** What is left of a map in a network that knows less. */
const sanityChecks = [
  { key: 'headless', title: 'left, classifier random', what: "rank correlation of the map's magnitudes with those after the classifier was made random; a map that explains the class has little left" }, // prettier-ignore
  { key: 'remains', title: 'left, all random', what: 'the same after all parameters were made random' },
  { key: 'relabelled', title: 'left under random labels', what: 'the same with a network that learnt random labels' },
] as const;

const arrow = (m: Measure) => (m.better === undefined ? '' : m.better === 'high' ? ' ↑' : ' ↓');

function summary(result: TrustResult, rows: readonly TrustRow[]): Section {
  const shown = measured(rows);
  const checks = sanityChecks.filter(({ key }) => rows.some((r) => r[key]));
  const columns = [
    'method',
    ...shown.map(([name, m]) => ({ title: `${name}${arrow(m)}`, align: 'end' as const })),
    ...checks.map(({ title }) => ({ title: `${title} ↓`, align: 'end' as const })),
    { title: 'forward passes', align: 'end' as const },
    { title: 'seconds a map', align: 'end' as const },
  ];
  const cells = rows.map((r) => [
    r.method,
    ...shown.map(([name]) => printed(r.measures[name])),
    ...checks.map(({ key }) => printed(r[key])),
    r.forwards === null ? '–' : printForwards(r.forwards),
    printed(r.seconds),
  ]);
  const words = shown.map(([name, m]) => markup`<li><b>${name}</b>: ${m.what}</li>`);
  return {
    title: 'Measures',
    text: `Means over ${result.pictures.length} pictures with their 95 % bootstrap intervals. ↑: more is better, ↓: less is.`,
    body: [
      table({ columns, rows: cells }),
      markup`<ul class="quiet">${words}${checks.map(({ title, what }) => markup`<li><b>${title}</b>: ${what}</li>`)}</ul>`,
    ],
  };
}

/** Where the object is known: beside what others measured of the same pictures. */
function truth(rows: readonly TrustRow[], beside: Beside | undefined): Section | undefined {
  const others = beside && new Map(beside.rows.map((r) => [r.method, r]));
  const charts = (['pointing', 'energy', 'auc'] as const).flatMap((name) => {
    const own = rows.filter((r) => r.measures[name]);
    if (own.length === 0) return [];
    const sorted = own.sort((a, b) => b.measures[name]!.mean - a.measures[name]!.mean);
    const pair = (i: Interval | undefined) => (i && Number.isFinite(i.low) ? ([i.low, i.high] as const) : undefined);
    const chart = barChart({
      title: name,
      axis: { label: measures[name].what, domain: [0, 1] },
      series: others ? ['wgrad', beside.by] : [''],
      bars: sorted.map((r) => {
        const pairs = [r.measures[name], ...(others ? [others.get(r.method)?.measures[name]?.other] : [])];
        return { name: r.method, values: pairs.map((i) => i?.mean), intervals: pairs.map(pair) };
      }),
    });
    return [chartFigure(chart)];
  });
  return charts.length === 0 ? undefined : { title: 'Where the object is', text: 'The pictures were drawn: every pixel of the object is known. Best first.', body: chartRow(...charts) }; // prettier-ignore
}

/** The same methods by another library: where they are the same methods, differences are rounding or chance. */
function besideTable({ by, pictures, rows }: Beside): Section {
  const shown = (Object.keys(measures) as MeasureName[]).filter((name) => rows.some((r) => r.measures[name]));
  const end = (title: string) => ({ title, align: 'end' as const });
  return {
    title: `Beside ${by}`,
    text: `The same methods on the same ${pictures} pictures: wgrad's, theirs, and the mean of the differences picture by picture with its 95 % bootstrap interval. Of methods that draw, one seed serves all pictures, and the interval leaves its luck out: try others, --kernel-shap.seed 1.`,
    body: table({
      columns: ['method', ...shown.flatMap((name) => [end(name), end('theirs'), end('difference')]), 'theirs is'],
      rows: rows.map((r) => [
        r.method,
        ...shown.flatMap((name) => {
          const m = r.measures[name];
          return m ? [short(m.own.mean), short(m.other.mean), printed(m.difference)] : ['–', '–', '–'];
        }),
        r.source,
      ]),
    }),
  };
}

function costs(result: TrustResult, rows: readonly TrustRow[]): Section {
  const points = rows.flatMap((r) => {
    const quality = r.measures['insertion'];
    if (!quality || quality.count === 0 || !(r.seconds.mean > 0)) return [];
    const yInterval = Number.isFinite(quality.low) ? { yInterval: [quality.low, quality.high] as const } : {};
    return [{ name: r.method, x: r.seconds.mean, y: quality.mean, isLabelled: true, ...yInterval }];
  });
  const ratio = (r: TrustRow) => r.seconds.mean / result.forwardSeconds;
  const body = [
    points.length > 1 &&
      chartFigure(
        scatterChart({
          title: 'What a map costs, and what it is worth',
          x: { label: 'seconds a map', log: true },
          y: { label: 'insertion' },
          groups: [{ name: '', points }],
        }),
      ),
    table({
      columns: ['method', ...['forward passes by its formula', 'seconds', 'seconds in forward passes'].map((title) => ({ title, align: 'end' as const }))], // prettier-ignore
      rows: rows.map((r) => [r.method, r.forwards === null ? '–' : printForwards(r.forwards), printed(r.seconds), short(ratio(r))]), // prettier-ignore
    }),
  ];
  return {
    title: 'Cost',
    text: `One forward pass of one picture, alone, took ${short(result.forwardSeconds)} s.`,
    body,
  };
}

/** Rank correlation left at each stage: rows methods, columns stages. */
function sanity(result: TrustResult): Section | undefined {
  const all = (m: MethodTrust) => [...m.randomized, ...(m.relabelled ? [m.relabelled] : [])];
  const checked = Object.entries(result.methods).filter(([, m]) => all(m).length > 0);
  if (checked.length === 0) return undefined;
  const stages = all(checked[0]![1]).map((s) => s.stage);
  const mean = (values: readonly (number | null)[]) => {
    const numbers = values.filter((v) => v !== null);
    return numbers.length > 0 ? numbers.reduce((a, b) => a + b, 0) / numbers.length : NaN;
  };
  const mode = result.settings['mode'] === 'independent' ? 'by itself' : 'and all stages before it';
  const rows = checked.map(([, m]) => all(m).map((s) => mean(s.spearman)));
  const cautions = checked.flatMap(([name]) => {
    const caution = Object.hasOwn(known, name) ? methodOf(name).caution : undefined;
    return caution ? [markup`<li><b>${name}</b> ${caution}</li>`] : [];
  });
  return {
    title: 'Sanity check',
    text: `The parameters of one stage after the other were made random (each ${mode}), from the classifier down. A map that explains the network must change: what is left of its ranks should come near 0.${
      stages.at(-1) === 'labels'
        ? ' Labels: the map of a network of the same architecture that learnt labels drawn at random.'
        : ''
    } (Adebayo et al. 2018.)`,
    body: [
      matrix({
        title: 'Rank correlation with the map of the trained network',
        axes: 'Rows: methods. Columns: what was made random.',
        rows: checked.map(([name]) => name),
        columns: stages,
        values: rows,
        tint: 'sign',
        format: (v) => (Number.isNaN(v) ? 'flat' : v.toFixed(2)),
      }),
      cautions.length > 0 && markup`<ul>${cautions}</ul>`,
    ],
  };
}

/** The first picture's maps while the network is made random. */
async function stagePictures({ samples, maps, methods, stages, shape }: TrustFigures): Promise<Section | undefined> {
  const first = samples[0];
  const shown = methods.filter((m) => stages[m] && maps[0]?.[methods.indexOf(m)]);
  if (!first || shown.length === 0) return undefined;
  const rows: Content[][] = [];
  for (const method of shown) {
    const a = maps[0]![methods.indexOf(method)]!;
    const cell = async (stage: string, map: Float32Array, caption: string) => {
      const size = map.length / (shape[1] * shape[2]);
      const isPicture = Number.isInteger(size);
      const drawn: Attribution = { ...a, map, shape: isPicture ? [size, shape[1], shape[2]] : a.shape };
      if (!isPicture && map !== a.map) delete drawn.upsampled;
      const source = await encodePng(drawMap(undefined, drawn, { mode: 'heat' }).picture);
      return gallery([{ source, alt: `${method}, ${stage}`, caption }], { width: 80 });
    };
    const others = await Promise.all(
      stages[method]!.map(({ stage, map, spearman }) =>
        cell(`${stage} random`, map, Number.isNaN(spearman) ? 'flat' : spearman.toFixed(2)),
      ),
    );
    rows.push([method, await cell('trained', a.map, 'trained'), ...others]);
  }
  const columns = ['method', 'trained', ...stages[shown[0]!]!.map(({ stage }) => `${stage} random`)];
  const body = table({ columns, rows });
  return { title: 'Maps of a network that is made random', text: `Of ${first.id}; below each, the rank correlation with the first.`, body }; // prettier-ignore
}

async function pictures({ samples, maps, methods }: TrustFigures): Promise<Section | undefined> {
  if (maps.length === 0) return undefined;
  const rows = maps.map((own, i) => ({ image: samples[i]!.image, title: samples[i]!.id, maps: methods.map((_, k) => own[k]) })); // prettier-ignore
  return { title: 'Maps', body: raw(await gridHtml(comparison(rows, methods))) };
}

export async function trustPage(
  result: TrustResult,
  { command, beside: other, figures, warning }: TrustPage,
): Promise<string> {
  const rows = summarizeTrust(result);
  const beside = other && compareTrust(result, other);
  const warnings = [
    ...(warning === undefined ? [] : [warning]),
    ...Object.entries(result.failed).map(([method, why]) => `${method}: ${why}`),
  ];
  const { part, of } = result.shard;
  const sections = [
    summary(result, rows),
    truth([...rows], beside),
    beside && besideTable(beside),
    sanity(result),
    figures && (await stagePictures(figures)),
    costs(result, rows),
    figures && (await pictures(figures)),
  ];
  return renderPage({
    title: 'How far to trust the maps',
    intro: [
      `${rows.length} methods on ${result.pictures.length} pictures (${String(result.settings['pictures'])}) of ${result.model}, ${result.adapter}.`,
      ...(of > 1 ? [`This is part ${part + 1} of ${of}: merge the parts with --merge.`] : []),
    ],
    ...(warnings.length > 0 && { warning: warnings.map((text) => markup`<p>${text}</p>`) }),
    sections: sections.filter((s) => s !== undefined),
    command,
    css: gridCss,
    files: [{ path: 'trust.json', what: 'all values, by picture' }],
  });
}
