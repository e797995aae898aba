/** Every case of every suite. */
import { suites, type Case, type Suite, type Task } from '../core/case.ts';
import { SMALL } from '../core/operands.ts';
import { convolutionCase, layerCases } from './shapes.ts';

const picture = (batch: number, channels: number, side: number) => `[${batch}, ${channels}, ${side}, ${side}]`;

const matmul = (size: number): Case => ({
  suite: 'micro',
  name: `matmul ${size}`,
  group: 'matmul',
  shape: `${size} x ${size} x ${size}`,
  task: { kind: 'matmul', size },
  flops: 2 * size ** 3,
  bytes: 12 * size ** 2,
  quick: size === 512,
});

/** @param touched tensors of the picture's size that are read or written. */
function pictureCase(
  kind: 'batch-norm' | 'max-pool',
  pass: 'forward' | 'backward',
  channels: number,
  side: number,
  touched: number,
): Case {
  return {
    suite: 'micro',
    name: `${kind} ${pass} ${channels} @${side}`,
    group: kind,
    shape: picture(4, channels, side),
    task: { kind, pass, batch: 4, channels, side },
    flops: 0,
    bytes: 4 * touched * 4 * channels * side * side,
    quick: side === 56,
  };
}

function reduction(what: string, axes: readonly number[], channels: number, side: number): Case {
  const task: Task = { kind: 'reduction', axes, batch: 4, channels, side };
  const bytes = 16 * channels * side * side;
  return { suite: 'micro', name: `sum ${what}`, group: 'reduction', shape: picture(4, channels, side), task, flops: 0, bytes }; // prettier-ignore
}

function micro(): Case[] {
  return [
    ...layerCases(),
    ...[256, 512, 1024, 2048].map(matmul),
    pictureCase('batch-norm', 'forward', 64, 56, 3),
    pictureCase('batch-norm', 'backward', 64, 56, 5),
    pictureCase('batch-norm', 'forward', 512, 7, 3),
    pictureCase('batch-norm', 'backward', 512, 7, 5),
    pictureCase('max-pool', 'forward', 64, 112, 1.5),
    pictureCase('max-pool', 'backward', 64, 112, 1.5),
    reduction('of all', [0, 1, 2, 3], 256, 56),
    reduction('of each channel', [0, 2, 3], 256, 56),
    reduction('of each plane', [2, 3], 2048, 7),
    {
      suite: 'micro',
      name: 'softmax cross-entropy gradient',
      group: 'cross-entropy',
      shape: '[64, 1000]',
      task: { kind: 'cross-entropy', batch: 64, classes: 1000 },
      flops: 0,
      bytes: 2 * 4 * 64 * 1000,
      quick: true,
    },
  ];
}

/** Operations of ResNet-50's forward pass for one picture; of a gradient, about, as many more. */
const FORWARD = 8.2e9;
const passes = { inference: 1, saliency: 2.1, 'integrated-gradients': 34 } as const;

const network = (kind: 'inference' | 'saliency' | 'integrated-gradients', batch: number): Case => ({
  suite: 'model',
  name: `${kind}, batch ${batch}`,
  group: kind,
  shape: kind === 'integrated-gradients' ? '16 nodes' : `batch ${batch}`,
  task: { kind, batch },
  work: passes[kind] * (kind === 'integrated-gradients' ? 1 : batch) * FORWARD,
  quick: batch === 1 && kind !== 'integrated-gradients',
  smoke: batch === 1 && kind !== 'integrated-gradients',
  record: batch === 1 && kind !== 'integrated-gradients',
});

const step = (name: string, unfrozen: readonly string[], batch: number): Case => ({
  suite: 'train',
  name: `step, ${name}, batch ${batch}`,
  group: 'training step',
  shape: `batch ${batch}`,
  task: { kind: 'step', unfrozen, batch },
  record: unfrozen.includes('layer4'),
  work: (unfrozen.includes('layer4') ? 1.6 : unfrozen.includes('fc') ? 1 : 3) * batch * FORWARD,
});

const steps = (batch: number): Case[] => [
  step('fc', ['fc'], batch),
  step('layer4 + fc', ['layer4', 'fc'], batch),
  step('everything', [], batch),
];

const dispatches = (count: number): Case => ({
  suite: 'overhead',
  name: `${count} dispatches`,
  group: 'dispatches',
  shape: `[${SMALL}]`,
  task: { kind: 'dispatches', count },
  flops: 0,
  quick: count === 100,
  record: count === 1000,
});

/** Four steps after a first one, and four forward passes to compare with. */
const ascent = (batch: number): Case => ({
  suite: 'model',
  name: `ascent, batch ${batch}`,
  group: 'ascent',
  shape: `batch ${batch}`,
  task: { kind: 'ascent', batch },
  record: batch === 1,
  flops: 0,
  work: 15 * batch * FORWARD,
});

const memory = (use: 'inference' | 'saliency' | 'step', batch: number): Case => ({
  suite: 'memory',
  name: `${use}, batch ${batch}`,
  group: 'memory',
  shape: `batch ${batch}`,
  task: { kind: 'memory', use, batch },
  work: batch * FORWARD,
  quick: true,
  smoke: use !== 'step' && batch === 1,
  record: true,
});

/** The forward passes, and three methods. */
const explain = (network: 'whole' | 'small', masks: number, batch: number): Case => ({
  suite: 'explain',
  name: network === 'whole' ? `${masks} masks` : `${masks} masks, a small network`,
  group: 'explain',
  shape: `batch ${batch}`,
  task: { kind: 'explain', network, masks, batch },
  flops: 0,
  work: 4 * masks * FORWARD,
});

const all: Readonly<Record<Suite, () => Case[]>> = {
  micro,
  model: () => [
    ...[1, 4, 16].map((batch) => network('inference', batch)),
    network('saliency', 1),
    network('saliency', 4),
    network('integrated-gradients', 4),
    ascent(1),
    ascent(8),
  ],
  train: () => steps(4),
  startup: () => [
    { suite: 'startup', name: 'first result', group: 'startup', shape: 'batch 1', task: { kind: 'startup' }, flops: 0, work: FORWARD, quick: true, record: true }, // prettier-ignore
  ],
  overhead: () => [dispatches(100), dispatches(1000)],
  memory: () => [memory('inference', 1), memory('saliency', 1), memory('inference', 16), memory('step', 4)],
  explain: () => [explain('whole', 128, 8), explain('small', 256, 8)],
};

/** One tiny case of every kind: for tests, and to see that a peer works. */
export const tinyCases: readonly Case[] = [
  ...(['forward', 'input gradient', 'weight gradient'] as const).map((pass) =>
    convolutionCase('tiny', {
      kind: 'convolution',
      pass,
      batch: 1,
      channels: 8,
      filters: 12,
      kernel: 3,
      stride: 2,
      side: 9,
    }),
  ),
  { ...matmul(32), name: 'matmul 32' },
  ...(['batch-norm', 'max-pool'] as const).flatMap((kind) =>
    (['forward', 'backward'] as const).map((pass) => pictureCase(kind, pass, 8, 8, 3)),
  ),
  reduction('of each channel', [0, 2, 3], 8, 4),
  { suite: 'micro', name: 'softmax cross-entropy gradient', group: 'cross-entropy', shape: '[4, 10]', task: { kind: 'cross-entropy', batch: 4, classes: 10 }, flops: 0, bytes: 320 }, // prettier-ignore
  network('inference', 1),
  network('saliency', 1),
  network('integrated-gradients', 4),
  ...steps(2),
  ...all.startup(),
  dispatches(10),
  memory('inference', 1),
  ascent(2),
  explain('small', 32, 8),
];

export const casesOf = (wanted: readonly Suite[] = suites): Case[] => wanted.flatMap((suite) => all[suite]());
