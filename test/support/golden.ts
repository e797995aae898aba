/** Reference values and the models that they were computed with. Call only where `dataFolder` is there. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../../src/engine.ts';
import { Model } from '../../src/model/model.ts';
import { readOnnxFile } from '../../src/node/onnx.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { decodeSafetensors } from '../../src/formats/safetensors.ts';
import { dataFolder } from './data.ts';

export interface Golden {
  has(name: string): boolean;
  /** A tensor as floats. */
  tensor(name: string): Float32Array;
  /** Extents of a tensor. */
  shape(name: string): readonly number[];
  values: Record<string, any>;
}

/** `golden`: PyTorch. */
export const golden = (name: string): Golden => readGolden('golden', name);

/** `golden2`: the peers of the attribution suite, and float64 formulas. */
export const golden2 = (name: string): Golden => readGolden('golden2', name);

function readGolden(folder: string, name: string): Golden {
  const path = `${dataFolder}/${folder}/${name}`;
  const tensors = decodeSafetensors(readFileSync(`${path}.safetensors`), name);
  const { values } = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as { values: Record<string, any> };
  return {
    has: (key) => tensors.has(key),
    tensor: (key) => tensors.floats(key).data,
    shape: (key) => tensors.read(key).shape,
    values,
  };
}

/** One of `models/*.onnx`. */
export async function goldenModel(engine: Engine, name: string): Promise<Model> {
  const file = await readOnnxFile(`${dataFolder}/models/${name}.onnx`);
  return new Model(engine, await importOnnx(file.bytes, file));
}

/** The model that the package carries. */
export const embeddedModel = (engine: Engine): Promise<Model> => modelAt(engine, '../../weights/shapes.onnx');

/** The network of golden2's `shapes`: what the package carried before its units were made clean (scripts/train-shapes.ts). */
export const shapesModel = (engine: Engine): Promise<Model> => modelAt(engine, '../fixtures/shapes_clean.onnx');

async function modelAt(engine: Engine, path: string): Promise<Model> {
  const file = await readOnnxFile(fileURLToPath(new URL(path, import.meta.url)));
  return new Model(engine, await importOnnx(file.bytes, file));
}
