/** The shape pictures as a training set. */
import type { Dataset } from '../train/dataset.ts';
import { shapeClasses, shapePicture, SIDE, type ShapePicture } from './shapes.ts';
import { Random } from '../random.ts';
import type { Preprocess } from '../image/preprocess_spec.ts';

/** RGB [SIDE, SIDE, 3] in 0..255 to the network's input [3, SIDE, SIDE]. */
export function shapeInput({ pixels }: ShapePicture, { mean, std }: Preprocess): Float32Array {
  const plane = SIDE * SIDE;
  const input = new Float32Array(3 * plane);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < plane; i++) input[c * plane + i] = (pixels[i * 3 + c]! / 255 - mean[c]!) / std[c]!;
  return input;
}

/** `length` pictures, made when they are asked for; the same seed and index give the same picture. */
export function shapesDataset(
  seed: number | string,
  length: number,
  preprocess: Preprocess,
  classes: readonly string[] = shapeClasses,
): Dataset {
  const root = new Random(seed);
  // Rendering costs milliseconds; later epochs read the pixels, 12 KB a picture, again.
  const made = new Map<number, ShapePicture>();
  return {
    length,
    classes,
    fixed: true,
    get(i) {
      const label = i % classes.length;
      const picture = made.get(i) ?? shapePicture(classes[label]!, label, root.fork(i));
      made.set(i, picture);
      return { input: shapeInput(picture, preprocess), label };
    },
  };
}
