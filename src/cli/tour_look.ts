/** The tour's first steps: what the network takes pictures for, and which pixels speak for that. */
import {
  comparison,
  createExplainer,
  gridHtml,
  maskScore,
  targetInWords,
  valuesOf,
  type Attribution,
  type MethodName,
  type MethodOptions,
} from '../explain/index.ts';
import { barChart, chartFigure, gallery, markup, percent, raw, verdict, type Picture } from '../report/index.ts';
import { guessed, mapPng } from './explain_page.ts';
import { imageOf } from '../model/image_space.ts';
import { fileName } from './names.ts';
import type { TourSample } from './tour_data.ts';
import type { Tour, TourStep } from './tour_steps.ts';

type Guesses = Awaited<ReturnType<Tour['model']['classify']>>;

const guess = ({ label, probability }: Guesses[number]) => `${label} ${percent(probability)}`;

/** What the samples were taken for: the explanations show it too. */
export interface Looked extends TourStep {
  guesses: Map<TourSample, Guesses>;
}

export function classifyStep({ c, model, data, files }: Tour): Looked {
  const guesses: Looked['guesses'] = new Map();
  const pictures: Picture[] = [];
  const isRight = (s: TourSample) => guesses.get(s)![0]!.label === s.label;
  const right = () => [...guesses.keys()].filter(isRight).length;
  return {
    name: 'classify',
    guesses,
    async run() {
      for (const s of data.samples) {
        const top = await model.classify(s.input, { top: 3, signal: c.signal });
        guesses.set(s, top);
        const [first, ...next] = top.map(guess);
        c.note(`  ${s.label}: ${top.map(guess).join(', ')}`);
        const kind = isRight(s) ? 'right' : 'wrong';
        const truth = kind === 'wrong' && `, but it is ${s.label}`;
        pictures.push({
          source: await files.picture(`input-${s.name}`, imageOf(model, s.input), s.label),
          alt: s.label,
          verdict: kind,
          caption: markup`${verdict(kind, first)}${truth}; next: ${next.join(', ')}`,
        });
      }
    },
    section: async () =>
      pictures.length === 0
        ? undefined
        : {
            title: 'Classify',
            text: `${right()} of ${pictures.length} pictures are taken for what they are. The network has not seen them before.`,
            body: gallery(pictures, { width: 176 }),
          },
    facts: () => (pictures.length === 0 ? [] : [{ value: `${right()} of ${pictures.length}`, label: 'pictures recognised' }]), // prettier-ignore
  };
}

const methods: readonly MethodName[] = [
  'gradient',
  'smoothgrad',
  'integrated-gradients',
  'deep-shap',
  'grad-cam',
  'lime',
];

/** The defaults, but for what takes long. */
function settings(method: MethodName, isPhotos: boolean): MethodOptions {
  const few: Partial<Record<MethodName, object>> = isPhotos
    ? { smoothgrad: { samples: 6, batch: 1 }, 'integrated-gradients': { steps: 24, batch: 1 }, lime: { samples: 64 } }
    : { lime: { samples: 256 } };
  return { method, ...few[method] } as MethodOptions;
}

const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;

/** Share of a picture that the object covers. */
const area = (mask: Uint8Array) => mask.reduce((n, v) => n + (v ? 1 : 0), 0) / mask.length;

export function explainStep({ c, model, data, files, isPhotos }: Tour, { guesses }: Looked): TourStep {
  const shown = data.samples.slice(0, isPhotos ? 2 : 4);
  const maps: (Attribution | undefined)[][] = shown.map(() => []);
  /** By method: shares of the maps that lie on the object. */
  const shares = new Map<MethodName, number[]>();
  return {
    name: 'explain',
    async run() {
      for (const [k, method] of methods.entries()) {
        using explainer = await createExplainer(model, settings(method, isPhotos), { signal: c.signal });
        for (const [i, s] of shown.entries()) {
          const a = await explainer.run(s.input, {
            signal: c.signal,
            onProgress: ({ done, total }) => c.progress(`  ${method}, ${s.name}`, done, total),
          });
          const image = imageOf(model, s.input);
          if (s.mask) {
            const { share } = maskScore(valuesOf(a, {}, image).values, s.mask);
            shares.set(method, [...(shares.get(method) ?? []), share]);
          }
          maps[i]![k] = a;
          await files.write(`${fileName(`explain-${s.name}-${method}`)}.png`, await mapPng(image, a, {}), `${method}, ${s.name}`); // prettier-ignore
        }
        c.note(`  ${method}: ${shown.length} pictures`);
      }
    },
    async section() {
      if (!maps.some((row) => row.length > 0)) return undefined;
      const rows = shown.map((s, i) => {
        const known = maps[i]!.find((a) => a !== undefined);
        const { text, verdict: kind } = guessed(guesses.get(s)!, s.label);
        const explained = known ? [`Explained: ${targetInWords(known)}.`] : [];
        return {
          image: imageOf(model, s.input),
          title: s.name,
          text: [text, ...explained],
          verdict: kind,
          maps: maps[i]!,
        };
      });
      const grid = raw(await gridHtml(comparison(rows, methods)));
      const covered = shown.flatMap((s) => (s.mask ? [area(s.mask)] : []));
      const chart = shares.size > 0 && onObject(shares, mean(covered));
      return {
        title: 'Explain',
        text: 'Which pixels speak for the class that the network sees. Methods answer different questions; below each stands what it shows, and how far it is from what it promises.', // prettier-ignore
        body: [grid, chart],
      };
    },
    facts: () => [],
  };
}

function onObject(shares: ReadonlyMap<MethodName, readonly number[]>, covered: number) {
  const bars = [...shares].map(([name, list]) => ({ name, values: [mean(list)] }));
  const axis = { label: 'share of the map', domain: [0, 1] as const, format: (v: number) => percent(v, 0) };
  const chart = barChart({ title: 'How much of a map lies on the object', axis, bars });
  const note = `Of the values above zero; a map that knows nothing has ${percent(covered, 0)} there, as the object covers so much of these pictures.`; // prettier-ignore
  return chartFigure(chart, { note });
}
