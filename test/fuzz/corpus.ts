/** What is mutated: the repository's own models and pictures, and the reference data's where it is there. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { encodeSafetensors } from '../../src/formats/safetensors.ts';
import { model, node, smallSpec, value, f32, i64 } from '../onnx/builder.ts';
import type { Kind } from './cases.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = process.env['WGRAD_DATA'] ?? join(root, '../shared/data');

/** Larger files spend the time on copying weights. */
const MAX_BYTES = 600_000;

export interface Seed {
  name: string;
  bytes: Uint8Array;
}

function files(folder: string, ending: RegExp): Seed[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name) && statSync(join(folder, name)).size <= MAX_BYTES)
    .sort()
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(folder, name))) }));
}

/** Of the ops whose shapes are computed in the graph, and of many kinds: what the other files have little of. */
function made(): Seed[] {
  const arithmetic = model({
    nodes: [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'zero'], ['n'], { axis: 0 }),
      node('Unsqueeze', ['n', 'axes'], ['n1']),
      node('Concat', ['n1', 'rest'], ['target'], { axis: 0 }),
      node('Reshape', ['x', 'target'], ['flat']),
      node('ConstantOfShape', ['dims'], ['zeros'], { value: f32('', [1], [0]) }),
      node('Expand', ['zeros', 'dims2'], ['wide']),
      node('Add', ['flat', 'wide'], ['moved']),
      node('Range', ['zero', 'n', 'one'], ['r']),
      node('Slice', ['moved', 'axes', 'one1', 'one1'], ['cut']),
      node('Softmax', ['cut'], ['y'], { axis: 1 }),
    ],
    initializers: [i64('zero', [], [0]), i64('one', [], [1]), i64('axes', [1], [0]), i64('one1', [1], [1]), i64('rest', [1], [-1]), i64('dims', [2], [1, 192]), i64('dims2', [2], [1, 192])], // prettier-ignore
    outputs: [value('y', ['N', 192])],
  });
  const windows = model({
    nodes: [
      node('Pad', ['x', 'pads'], ['padded'], { mode: 'constant' }),
      node('Conv', ['padded', 'w'], ['a'], { kernel_shape: [3, 3], strides: [2, 2], dilations: [1, 1], group: 3, auto_pad: 'SAME_UPPER' }), // prettier-ignore
      node('BatchNormalization', ['a', 'g', 'b', 'm', 'v'], ['n'], { epsilon: { float: 1e-5 }, momentum: { float: 0.9 } }), // prettier-ignore
      node('Clip', ['n', 'low', 'high'], ['c']),
      node('MaxPool', ['c'], ['p'], { kernel_shape: [2, 2], strides: [1, 1], pads: [1, 1, 0, 0], ceil_mode: 1 }),
      node('AveragePool', ['p'], ['q'], { kernel_shape: [2, 2], count_include_pad: 1 }),
      node('Transpose', ['q'], ['t'], { perm: [0, 2, 3, 1] }),
      node('ReduceMean', ['t'], ['r'], { axes: [1, 2], keepdims: 0 }),
      node('MatMul', ['r', 'fc'], ['z']),
      node('Add', ['z', 'z'], ['y']),
    ],
    initializers: [i64('pads', [8], [0, 0, 1, 1, 0, 0, 1, 1]), f32('w', [3, 1, 3, 3]), f32('g', [3]), f32('b', [3]), f32('m', [3]), f32('v', [3], [1, 1, 1]), f32('low', [], [0]), f32('high', [], [6]), f32('fc', [3, 2])], // prettier-ignore
    outputs: [value('y', ['N', 2])],
    metadata: { labels: '["a", "b"]', preprocess: '{"mean": [0, 0, 0], "std": [1, 1, 1], "crop": 8}' },
  });
  return [
    { name: 'small', bytes: model(smallSpec()) },
    { name: 'arithmetic', bytes: arithmetic },
    { name: 'windows', bytes: windows },
  ];
}

/** @param folders more of them, such as the ONNX project's node tests. */
function models(folders: readonly string[]): Seed[] {
  const places = [join(root, 'test/fixtures'), join(root, 'weights'), join(data, '../cases'), join(data, 'models')];
  return [...made(), ...[...places, ...folders].flatMap((folder) => files(folder, /\.onnx$/))];
}

function safetensors(): Seed[] {
  const tensors = {
    'conv.weight': { shape: [2, 3, 1, 1], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    index: { shape: [2], data: BigInt64Array.of(1n, -1n) },
    mask: { shape: [], data: Uint8Array.of(1) },
    empty: { shape: [0, 4], data: new Float64Array(0) },
  };
  const made = { name: 'small', bytes: encodeSafetensors(tensors, { format: 'pt' }) };
  return [made, ...[join(root, 'test/fixtures'), join(data, '../cases')].flatMap((f) => files(f, /\.safetensors$/))];
}

/** The PNG and JPEG files, and the first of them in every other format that is read. */
async function pictures(): Promise<Seed[]> {
  const found = files(join(root, 'test/fixtures/image'), /\.(png|jpe?g|webp|tiff?|gif)$/);
  const source = found.find(({ name }) => name === 'source.png') ?? found[0]!;
  const made = ['webp', 'tiff', 'gif', 'avif', 'jpeg', 'png'] as const;
  const small = sharp(source.bytes).resize(48, 40);
  return [
    ...found,
    ...(await Promise.all(
      made.map(async (format) => ({ name: format, bytes: new Uint8Array(await small.clone().toFormat(format).toBuffer()) })), // prettier-ignore
    )),
    { name: 'tiled.tiff', bytes: new Uint8Array(await small.clone().tiff({ tile: true, compression: 'lzw' }).toBuffer()) }, // prettier-ignore
    { name: 'progressive.jpg', bytes: new Uint8Array(await small.clone().jpeg({ progressive: true }).toBuffer()) },
  ];
}

export async function corpus(kind: Kind, folders: readonly string[] = []): Promise<Seed[]> {
  return kind === 'model' ? models(folders) : kind === 'safetensors' ? safetensors() : pictures();
}
