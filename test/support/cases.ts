/**
 * Small models made after situations that people report (test/fixtures/cases): `x` and the right values of `y`, and
 * where there are some `dx` = d sum(y * cotangent) / dx, from onnxruntime or from PyTorch in float64.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../../src/engine.ts';
import { decodeSafetensors } from '../../src/formats/safetensors.ts';
import { loadOnnx, type LoadOptions } from '../../src/onnx/index.ts';
import type { Model } from '../../src/model/model.ts';

export interface Case {
  bytes: Uint8Array;
  load(engine: Engine, options?: LoadOptions): Promise<Model>;
  has(name: string): boolean;
  tensor(name: string): Float32Array;
  shape(name: string): readonly number[];
}

export function openCase(name: string): Case {
  const path = (file: string) => fileURLToPath(new URL(`../fixtures/cases/${name}/${file}`, import.meta.url));
  const bytes = Uint8Array.from(readFileSync(path('model.onnx')));
  const reference = decodeSafetensors(readFileSync(path('reference.safetensors')), name);
  return {
    bytes,
    load: (engine, options) => loadOnnx(engine, bytes, options),
    has: (key) => reference.has(key),
    tensor: (key) => reference.floats(key).data,
    shape: (key) => reference.read(key).shape,
  };
}

/** [N,H,W,C] as [N,C,H,W]. */
export function channelsFirst(data: Float32Array, [n, h, w, c]: readonly number[]): Float32Array {
  const out = new Float32Array(data.length);
  let at = 0;
  for (let i = 0; i < n!; i++)
    for (let k = 0; k < c!; k++) for (let p = 0; p < h! * w!; p++) out[at++] = data[(i * h! * w! + p) * c! + k]!;
  return out;
}
