/** The distinct layers of ResNet-50 as torchvision has it (the stride on the 3 x 3), at 224 x 224. */
import type { Case, ConvolutionPass, ConvolutionTask } from '../core/case.ts';

interface Layer {
  /** The first layer of that shape. */
  name: string;
  channels: number;
  filters: number;
  kernel: number;
  stride: number;
  side: number;
  /** Layers of the network that have it. */
  count: number;
}

/** Blocks of the four stages. */
const BLOCKS = [3, 4, 6, 3] as const;

export const resnet50Layers: readonly Layer[] = [
  { name: 'conv1', channels: 3, filters: 64, kernel: 7, stride: 2, side: 224, count: 1 },
  ...BLOCKS.flatMap((blocks, stage): Layer[] => {
    const width = 64 << stage;
    const [before, from, stride] = stage === 0 ? [64, 56, 1] : [2 * width, 112 >> stage, 2];
    const side = 56 >> stage;
    const of = (name: string, rest: Omit<Layer, 'name'>): Layer => ({ name: `layer${stage + 1}.${name}`, ...rest });
    return [
      of('0.conv1', { channels: before, filters: width, kernel: 1, stride: 1, side: from, count: 1 }),
      of('0.conv2', {
        channels: width,
        filters: width,
        kernel: 3,
        stride,
        side: from,
        count: stage === 0 ? blocks : 1,
      }),
      of('0.conv3', { channels: width, filters: 4 * width, kernel: 1, stride: 1, side, count: blocks }),
      of('0.downsample.0', { channels: before, filters: 4 * width, kernel: 1, stride, side: from, count: 1 }),
      of('1.conv1', { channels: 4 * width, filters: width, kernel: 1, stride: 1, side, count: blocks - 1 }),
      ...(stage === 0
        ? []
        : [of('1.conv2', { channels: width, filters: width, kernel: 3, stride: 1, side, count: blocks - 1 })]),
    ];
  }),
  { name: 'fc', channels: 2048, filters: 1000, kernel: 1, stride: 1, side: 1, count: 1 },
];

const passes: readonly ConvolutionPass[] = ['forward', 'input gradient', 'weight gradient'];

/** Those that `bench:smoke` has had from the beginning: every kind of layer once. */
const smoke = [
  'conv1',
  'layer1.0.conv3',
  'layer1.0.conv2',
  'layer2.1.conv2',
  'layer2.0.downsample.0',
  'layer4.1.conv2',
];

/** Of them the ones of `--quick`. */
const quick = ['layer1.0.conv3', 'layer1.0.conv2', 'layer2.0.downsample.0', 'layer4.1.conv2'];

export function convolutionCase(name: string, task: ConvolutionTask): Case {
  const { pass, batch, channels, filters, kernel, stride, side } = task;
  const pad = (kernel - 1) / 2;
  const out = Math.floor((side + 2 * pad - kernel) / stride) + 1;
  const values = batch * channels * side * side + filters * channels * kernel * kernel + batch * filters * out * out;
  return {
    suite: 'micro',
    name: `${name}, ${pass}`,
    group: pass,
    shape: `${kernel}x${kernel} s${stride} ${channels}->${filters} @${side}${batch > 1 ? ` x${batch}` : ''}`,
    task,
    flops: 2 * batch * out * out * filters * channels * kernel * kernel,
    bytes: 4 * values,
  };
}

export const layerCases = (): Case[] =>
  resnet50Layers.flatMap(({ name, count: _, ...shape }) =>
    passes.map((pass) => ({
      ...convolutionCase(name, { kind: 'convolution', pass, batch: 1, ...shape }),
      record: true,
      smoke: smoke.includes(name),
      quick: quick.includes(name),
    })),
  );
