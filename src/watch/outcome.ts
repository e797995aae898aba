/** What became of a network: where it is surely wrong, and which units moved farthest, before and after. */
import { createExplainer, drawMap } from '../explain/index.ts';
import { WgradError } from '../errors.ts';
import type { Image, RgbaImage } from '../image/image.ts';
import type { Model } from '../model/model.ts';
import { requireScores } from '../model/roles.ts';
import { checkPicture } from '../model/gate.ts';
import { mainClass, type Dataset } from '../train/dataset.ts';
import type { Evaluation } from '../train/evaluate.ts';
import { softmaxRows } from '../train/measures/scores.ts';
import { unitsMoved, type MovedUnit, type State } from './drift.ts';
import { imageOf } from '../model/image_space.ts';
import { drawUnits, type WatchedUnit } from './look.ts';

/** Trained parameters as they were before, and as they are. */
export interface Swap {
  before: State;
  after: State;
}

/** A held-out picture that the model takes for another class. */
export interface Mistake {
  /** Index in the held-out dataset, and the picture's name where it has one. */
  index: number;
  name: string;
  label: number;
  guess: number;
  /** Probability of the guess. */
  confidence: number;
  image: Image;
  /** Grad-CAM of the guess, before training and now. */
  before?: RgbaImage;
  after: RgbaImage;
}

/** A unit with its drawings before and after. */
export interface ChangedUnit extends MovedUnit {
  before: WatchedUnit;
  after: WatchedUnit;
}

const MISTAKES = 6;
const UNITS = 6;
const METHOD = 'grad-cam';

/** Runs `work` with the parameters of before, and puts those of after back whatever happens. */
async function asBefore<T>(model: Model, { before, after }: Swap, work: () => Promise<T>): Promise<T> {
  const put = (state: State) => Promise.all([...state].map(([name, values]) => model.engine.write(model.parameter(name).variable, values))); // prettier-ignore
  await put(before);
  try {
    return await work();
  } finally {
    await put(after);
  }
}

/** Held-out pictures of which the model is surest and wrong; with `swap` also how they looked before. */
export async function worstMistakes(
  model: Model,
  data: Dataset,
  evaluation: Evaluation,
  { swap, signal }: { swap?: Swap; signal?: AbortSignal | undefined } = {},
): Promise<Mistake[]> {
  const { labels, classes, wanted } = evaluation;
  // With several labels a picture there is no one class that it was taken for.
  if (wanted) return [];
  const probabilities = softmaxRows(evaluation);
  const wrong = Array.from(labels, (label, index) => {
    const row = probabilities.subarray(index * classes, (index + 1) * classes);
    const guess = row.indexOf(Math.max(...row));
    return { index, label, guess, confidence: row[guess]! };
  })
    .filter(({ label, guess }) => label !== guess && guess < data.classes.length)
    .sort((a, b) => b.confidence - a.confidence)
    .slice(0, MISTAKES);
  if (wrong.length === 0) return [];
  const inputs = await Promise.all(wrong.map(({ index }) => pictureOf(model, data, index)));
  using explainer = await createExplainer(model, { method: METHOD }, { signal });
  const maps = async () => {
    const drawn: RgbaImage[] = [];
    for (const [i, { input }] of inputs.entries()) {
      const map = await explainer.run(input, { target: wrong[i]!.guess, signal });
      drawn.push(drawMap(imageOf(model, input), map).picture);
    }
    return drawn;
  };
  const after = await maps();
  const before = swap && (await asBefore(model, swap, maps));
  return wrong.map((mistake, i) => ({
    ...mistake,
    name: inputs[i]!.name,
    image: imageOf(model, inputs[i]!.input),
    ...(before && { before: before[i]! }),
    after: after[i]!,
  }));
}

export async function pictureOf(model: Model, data: Dataset, index: number) {
  const sample = await data.get(index);
  const name = sample.name ?? `picture ${index}`;
  checkPicture(sample.input, model.pictureShape, name);
  return { input: sample.input, name, label: mainClass(sample.label, data.classes, name) };
}

/** The convolutions' units that moved farthest; where none was trained, the classes of the head. */
export async function changedUnits(
  model: Model,
  swap: Swap,
  steps: number,
  signal?: AbortSignal,
): Promise<ChangedUnit[]> {
  const moved: (MovedUnit & { drawn: string })[] = [];
  const { head } = requireScores(model.roles);
  for (const [name, before] of swap.before) {
    const { layer, variable } = model.parameter(name);
    const { shape } = variable.tensor;
    if (shape.length !== 4 || layer === head) continue;
    const [first] = unitsMoved(layer, shape[0]!, before, swap.after.get(name)!);
    if (first) moved.push({ ...first, drawn: `${layer}:${first.unit}` });
  }
  if (moved.length === 0 && head !== undefined)
    for (let c = 0; c < Math.min(UNITS, model.classes); c++)
      moved.push({ name: head, unit: c, relative: NaN, drawn: `class:${c}` });
  moved.sort((a, b) => b.relative - a.relative);
  const chosen = moved.slice(0, UNITS);
  const draw = () => drawUnits(model, chosen.map(({ drawn }) => drawn), steps, signal); // prettier-ignore
  try {
    const after = await draw();
    const before = await asBefore(model, swap, draw);
    return chosen.map(({ name, unit, relative }, i) => ({
      name,
      unit,
      relative,
      before: before[i]!,
      after: after[i]!,
    }));
  } catch (error) {
    // A layer without a value of its own cannot be drawn; the rest of the story stands without it.
    if (error instanceof WgradError && error.code === 'unknown-name') return [];
    throw error;
  }
}
