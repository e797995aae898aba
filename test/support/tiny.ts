/** The small ResNet of scripts/fixtures/optimizers.py: 3 classes, pictures of 16 x 16, and what PyTorch makes of it. */
import { readFileSync } from 'node:fs';
import { decodeSafetensors, type Safetensors } from '../../src/formats/safetensors.ts';
import { Model } from '../../src/model/model.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { inMemory, type Dataset } from '../../src/train/dataset.ts';
import { testEngine } from './engine.ts';

const folder = new URL('../fixtures/train/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder));

export const tinySteps = JSON.parse(read('steps.json').toString()) as {
  cases: Record<string, any>;
  schedules: { schedule: any; factors: number[] }[];
  plateau: { schedule: any; losses: number[]; factors: number[] };
};

export const tinyTensors: Safetensors = decodeSafetensors(read('steps.safetensors'), 'steps.safetensors');

/** The file itself. */
export const tinyOnnx = read('tiny.onnx');

export const tinyClasses = ['a', 'b', 'c'];

/** Everything frozen. */
export async function tinyModel(): Promise<Model> {
  return new Model(await testEngine(), await importOnnx(read('tiny.onnx'), { labels: tinyClasses })).freeze();
}

export const tinyPictures = tinyTensors.floats('pictures').data;
export const tinyTargets = Int32Array.from(tinyTensors.read('targets').data as Int32Array);
const each = 3 * 16 * 16;

/** The fixture's twelve pictures, four of each class; or the first few. */
export const tinyData = (length: number = tinyTargets.length): Dataset =>
  inMemory(
    Array.from({ length }, (_, i) => ({
      input: tinyPictures.slice(i * each, (i + 1) * each),
      label: tinyTargets[i]!,
    })),
    tinyClasses,
  );

/** Rows of the pictures and targets, as one batch. */
export function tinyBatch(rows: readonly number[]): { pictures: Float32Array; targets: Int32Array } {
  const pictures = new Float32Array(rows.length * each);
  rows.forEach((row, i) => pictures.set(tinyPictures.subarray(row * each, (row + 1) * each), i * each));
  return { pictures, targets: Int32Array.from(rows, (row) => tinyTargets[row]!) };
}
