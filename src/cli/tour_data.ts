/** What the tour shows: generated shapes for the embedded model, or photographs in folders by class. */
import { shapesDataset } from '../data/dataset.ts';
import { newShapeClasses, shapeClasses, shapePicture } from '../data/shapes.ts';
import type { Model } from '../model/model.ts';
import { classFolders, folderDataset } from '../node/folder_dataset.ts';
import { skippedLine } from '../node/pictures.ts';
import { Random } from '../random.ts';
import type { Dataset } from '../train/dataset.ts';
import type { Context } from './command.ts';
import { preprocessOf } from '../model/image_space.ts';

export interface TourSample {
  name: string;
  /** [C,H,W] in input space. */
  input: Float32Array;
  /** Its true class. */
  label: string;
  /** 255 on the object, where that is known. */
  mask?: Uint8Array;
}

export interface TourData {
  /** Pictures to classify and to explain. */
  samples: TourSample[];
  /** For fine-tuning, of classes that the head does not know. */
  train: Dataset;
  validation: Dataset;
  /** Settings that suit this model; `stages`: so many before the head are trained too. */
  tuning: { stages: number; epochs: number; lr: number; batch: number };
}

export async function shapesTour(model: Model): Promise<TourData> {
  const spec = preprocessOf(model);
  const seed = 'tour';
  const shown = shapesDataset(seed, shapeClasses.length, spec);
  const root = new Random(seed);
  const samples = await Promise.all(
    shapeClasses.map(async (label, i) => ({
      name: label,
      label,
      input: (await shown.get(i)).input,
      mask: shapePicture(label, i, root.fork(i)).mask,
    })),
  );
  return {
    samples,
    train: shapesDataset('tour train', 192, spec, newShapeClasses),
    validation: shapesDataset('tour held out', 160, spec, newShapeClasses),
    tuning: { stages: 1, epochs: 6, lr: 0.01, batch: 16 },
  };
}

/** Notes what was left out. @throws WgradError 'dataset-empty', 'file-missing'. */
export async function photosTour(
  c: Context,
  model: Model,
  dir: string,
  options: { classes: number; 'per-class': number; 'max-pixels': number },
): Promise<TourData> {
  const { classes, 'per-class': perClass, 'max-pixels': maxPixels } = options;
  const [, height, width] = model.pictureShape;
  const all = await classFolders(dir);
  // Every k-th class, so that the few shown are not all from one corner of the alphabet.
  const step = Math.max(1, Math.floor(all.length / classes));
  const chosen = all.filter((_, i) => i % step === 0).slice(0, classes);
  const { train, validation, skipped } = await folderDataset(
    dir,
    preprocessOf(model),
    { width, height },
    {
      classes: chosen,
      limit: perClass,
      heldOutLimit: Math.max(2, Math.floor(perClass / 2)),
      seed: 1,
      maxPixels,
      signal: c.signal,
    },
  );
  const line = skippedLine(skipped);
  if (line) c.note(line);
  const samples: TourSample[] = [];
  for (let i = 0; i < validation.length && samples.length < 4; i += Math.max(1, Math.floor(validation.length / 4))) {
    const { input, label } = await validation.get(i);
    samples.push({ name: `picture-${i}`, input, label: chosen[label as number]! });
  }
  return { samples, train, validation, tuning: { stages: 0, epochs: 5, lr: 0.005, batch: 8 } };
}
