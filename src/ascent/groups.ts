/**
 * What a photograph excites at a layer: its activations at each position, and a few groups of channels of which they are
 * made (Olah, Satyanarayan, Johnson, Carter, Schubert, Ye, Mordvintsev 2018, The Building Blocks of Interpretability,
 * doi:10.23915/distill.00010). A group is a direction in the space of channels; `direction` draws it.
 */
import { WgradError } from '../errors.ts';
import { input } from '../graph/leaves.ts';
import { checkPicture } from '../model/gate.ts';
import type { Model } from '../model/model.ts';
import { abortSignal, count, finite, name, readOptions, required } from '../options.ts';
import { relu } from '../ops/unary.ts';
import { factorise } from './nmf.ts';
import { mapOf } from './objectives/units.ts';
import { sceneOf } from './scene.ts';

/** Options of {@link activationGroups}. */
export interface GroupOptions {
  layer: string;
  /** How many groups; default 6. */
  groups?: number;
  /** Updates of the factors; default 200. */
  iterations?: number;
  /** Of the factors' start; default 0. */
  seed?: number;
  signal?: AbortSignal;
}

const table = {
  layer: required(name('whose activations')),
  groups: count(6, 'groups of channels'),
  iterations: count(200, 'updates of the factors'),
  seed: finite(0, "of the factors' start"),
  signal: abortSignal(),
};

/** Channels that a photograph excites together. */
export interface ActivationGroup {
  /** [K], of length 1. */
  direction: Float32Array;
  /** [h, w]: how strong it is at each position. */
  map: Float32Array;
  /** Of the sum of all groups' maps. */
  share: number;
}

/** A photograph's activations at a layer, and their groups. */
export interface ActivationGroups {
  /** The strongest first. */
  groups: readonly ActivationGroup[];
  /** [h, w, K], of each position; what is negative counts as 0. */
  activations: Float32Array;
  size: readonly [height: number, width: number];
  channels: number;
  /** Of the activations, what the groups do not explain: |V - W H| / |V|. */
  error: number;
}

/**
 * @param picture [C,H,W] in the network's units.
 * @throws WgradError 'unknown-name'; 'shape', 'not-finite'; 'dead-unit' where nothing in the layer is active; the signal's
 *   reason.
 */
export async function activationGroups(
  model: Model,
  picture: Float32Array,
  options: GroupOptions,
): Promise<ActivationGroups> {
  const o = readOptions('activationGroups', table, { ...options });
  model.network.resolve(o.layer);
  checkPicture(picture, model.pictureShape, 'activationGroups: the picture');
  const x = input('picture', [1, ...model.pictureShape]);
  const map = mapOf(sceneOf(model, model.graph({ input: x }), { pixels: x, input: x }), o.layer);
  const [, channels, h, w] = map.shape as [number, number, number, number];
  const program = await model.engine.compile({ outputs: { map: relu(map) } }, { signal: o.signal });
  let values: Float32Array;
  try {
    values = (await program.run({ picture }, { signal: o.signal })).map;
  } finally {
    program.dispose();
  }
  const positions = h * w;
  const activations = Float32Array.from(values, (_, i) => values[(i % channels) * positions + Math.floor(i / channels)]!); // prettier-ignore
  if (activations.every((v) => v === 0)) {
    throw new WgradError('dead-unit', `activationGroups: nothing in ${o.layer} is active`, {
      remedy: 'Take another layer or picture',
    });
  }
  const { weights, parts, error } = factorise(activations, [positions, channels], o.groups, o);
  const total = weights.reduce((a, b) => a + b, 0);
  const groups = Array.from({ length: o.groups }, (_, g): ActivationGroup => {
    const map = Float32Array.from({ length: positions }, (_, p) => weights[p * o.groups + g]!);
    return {
      direction: Float32Array.from(parts.subarray(g * channels, (g + 1) * channels)),
      map,
      share: map.reduce((a, b) => a + b, 0) / total,
    };
  });
  groups.sort((a, b) => b.share - a.share);
  return { groups, activations, size: [h, w], channels, error };
}

/**
 * Mean activations of the cells of a grid over the map, as directions to draw: one picture per place of the photograph.
 * @param cells rows and columns of the grid, at most those of the map.
 */
export function gridDirections(
  { activations, size: [h, w], channels }: Pick<ActivationGroups, 'activations' | 'size' | 'channels'>,
  [rows, columns]: readonly [number, number],
): Float32Array[] {
  const part = (i: number, of: number, extent: number): [number, number] => [
    Math.floor((i * extent) / of),
    Math.max(Math.floor((i * extent) / of) + 1, Math.floor(((i + 1) * extent) / of)),
  ];
  return Array.from({ length: rows * columns }, (_, cell) => {
    const [y0, y1] = part(Math.floor(cell / columns), rows, h);
    const [x0, x1] = part(cell % columns, columns, w);
    const mean = new Float32Array(channels);
    for (let y = y0; y < y1; y++)
      for (let x = x0; x < x1; x++)
        for (let k = 0; k < channels; k++)
          mean[k]! += activations[(y * w + x) * channels + k]! / ((y1 - y0) * (x1 - x0));
    return mean;
  });
}
