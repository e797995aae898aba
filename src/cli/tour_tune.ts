/** The tour's last step: classes that the network does not know, from a fresh head to maps that show what it learnt. */
import { WgradError } from '../errors.ts';
import { comparison, createExplainer, gridHtml, type Attribution, type Explained } from '../explain/index.ts';
import { markup, percent, raw, type Content, type Section } from '../report/index.ts';
import { requireScores } from '../model/roles.ts';
import { stagesOf } from '../model/stages.ts';
import { evaluate, type Evaluation } from '../train/evaluate.ts';
import { mainClass } from '../train/dataset.ts';
import { fit } from '../train/fit.ts';
import { confusionTable, learningCurves } from '../watch/index.ts';
import { sgd } from '../train/optimizers.ts';
import { guessed } from './explain_page.ts';
import { imageOf } from '../model/image_space.ts';
import type { Tour, TourStep } from './tour_steps.ts';

type Point = readonly [number, number];

/** A held-out picture, as the network sees it before and after. */
interface Pinned {
  input: Float32Array;
  label: number;
  maps: (Attribution | undefined)[];
  guess: { text: string; verdict?: 'right' | 'wrong' } | undefined;
}

const METHOD = 'grad-cam';

/** One picture of each class, the first that there is, up to `count`. */
async function pin({ data: { validation } }: Tour, count: number): Promise<Pinned[]> {
  const pinned: Pinned[] = [];
  for (let i = 0; i < validation.length && pinned.length < count; i++) {
    const { input, label } = await validation.get(i);
    const index = mainClass(label, validation.classes, `picture ${i}`);
    if (!pinned.some((p) => p.label === index)) pinned.push({ input, label: index, maps: [], guess: undefined });
  }
  return pinned;
}

/** @param at 0 before training, 1 after. */
async function look({ c, model, data }: Tour, pinned: readonly Pinned[], at: number): Promise<void> {
  using explainer = await createExplainer(model, { method: METHOD }, { signal: c.signal });
  for (const p of pinned) {
    p.maps[at] = await explainer.run(p.input, { target: p.label, signal: c.signal });
    p.guess = guessed(await model.classify(p.input, { top: 2, signal: c.signal }), data.validation.classes[p.label]);
  }
}

/**
 * The head, and the stages before it.
 * @throws WgradError 'invalid-argument' where the model has no head that could be replaced.
 */
function trainedLayers({ model, data }: Tour): string[] {
  const { head } = requireScores(model.roles);
  if (head === undefined) {
    throw new WgradError('invalid-argument', 'tour: the model has no linear layer that makes its class scores', {
      remedy: 'Give a classifier; see: wgrad info MODEL',
    });
  }
  const stages = data.tuning.stages > 0 ? stagesOf(model.network, model.graph()).slice(-data.tuning.stages) : [];
  return [...stages, head];
}

export interface Tuned extends TourStep {
  before(): number | undefined;
  after(): number | undefined;
}

export function tuneStep(tour: Tour): Tuned {
  const { c, model, data, files } = tour;
  const { train, validation, tuning } = data;
  const trained = trainedLayers(tour);
  const losses: Point[] = [];
  const held: { epoch: number; step: number; result: Evaluation }[] = [];
  let pinned: Pinned[] = [];
  return {
    name: 'fine-tune',
    before: () => held[0]?.result.accuracy,
    after: () => held.at(-1)?.result.accuracy,
    async run() {
      const { epochs, lr, batch } = tuning;
      model
        .replaceHead(undefined, { classes: train.classes, seed: 1 })
        .freeze()
        .unfreeze(...trained);
      const first = await evaluate(model, validation, {
        batchSize: Math.min(batch, validation.length),
        signal: c.signal,
      });
      held.push({ epoch: 0, step: 0, result: first });
      c.note(`  before: held-out accuracy ${percent(first.accuracy)}`);
      pinned = await pin(tour, 3);
      await look(tour, pinned, 0);
      const optimizer = sgd({ lr, momentum: 0.9 });
      const run = { optimizer, epochs, batchSize: batch, schedule: 'cosine', validation, signal: c.signal } as const;
      for await (const e of fit(model, train, run)) {
        if (e.type === 'step') {
          losses.push([e.step, e.loss]);
          c.progress(`  loss ${e.loss.toFixed(3)}`, e.step, e.steps);
        } else if (e.type === 'epoch') {
          const result = e.validation!;
          held.push({ epoch: e.epoch, step: losses.length, result });
          c.note(`  epoch ${e.epoch}: loss ${e.loss.toFixed(3)}, held-out accuracy ${percent(result.accuracy)}`);
        }
      }
      await look(tour, pinned, 1);
      await files.write('tuned.onnx', await model.saveOnnx(), 'the tuned model, for any ONNX runtime');
    },
    section: () => describe(tour, trained, losses, held, pinned),
    facts: () =>
      held.length < 2
        ? []
        : [{ value: `${percent(held[0]!.result.accuracy, 0)} \u2192 ${percent(held.at(-1)!.result.accuracy, 0)}`, label: 'held-out accuracy, before and after fine-tuning' }], // prettier-ignore
  };
}

async function describe(
  { model, data: { train, validation } }: Tour,
  trained: readonly string[],
  losses: readonly Point[],
  held: readonly { epoch: number; step: number; result: Evaluation }[],
  pinned: readonly Pinned[],
): Promise<Section | undefined> {
  const last = held.at(-1);
  if (!last) return undefined;
  const body: Content[] = [];
  if (losses.length > 0) {
    body.push(learningCurves({ losses, held: held.map(({ epoch, step, result }) => ({ ...result, epoch, step })) }));
  }
  body.push(confusionTable(last.result.confusion, validation.classes, 'Confusion of the held-out pictures'));
  if (pinned.some((p) => p.maps.length > 0)) body.push(await beforeAndAfter(model, pinned, validation.classes));
  return {
    title: 'Fine-tune',
    text: [
      `A fresh head for ${train.classes.join(', ')}, which the network has never seen. Trained: ${trained.join(' and ')}; what lies below is frozen, and costs no gradient.`,
      `${train.length} training pictures, ${validation.length} held out: ${percent(held[0]!.result.accuracy)} right before, ${percent(last.result.accuracy)} after ${last.epoch} epochs.`,
    ],
    body,
  };
}

async function beforeAndAfter(model: Tour['model'], pinned: readonly Pinned[], classes: readonly string[]) {
  const rows = pinned.map((p): Explained => {
    const image = imageOf(model, p.input);
    return { image, title: classes[p.label]!, maps: p.maps, ...(p.guess && { ...p.guess, text: [p.guess.text] }) };
  });
  const grid = comparison(rows, [METHOD, METHOD]);
  const [input, first, second] = grid.columns;
  const columns = [input!, { ...first!, title: `${METHOD}, before` }, { ...second!, title: 'after', text: [] }];
  const title = 'Where it looks, before and after';
  return markup`<h3>${title}</h3>${raw(await gridHtml({ ...grid, title, columns }))}`;
}
