/** A hand-made Network: any graph function of one picture input, for closed forms. */
import { vi } from 'vitest';
import type { Engine } from '../../src/engine.ts';
import { WgradError } from '../../src/errors.ts';
import { input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { Model } from '../../src/model/model.ts';
import type { Network } from '../../src/model/network.ts';

export interface Tiny {
  /** [C,H,W] */
  picture: [number, number, number];
  /** Values by name from the input [N,C,H,W]; 'logits' [N,K] among them. */
  build(x: Tensor): Record<string, Tensor>;
  metadata?: Record<string, unknown>;
}

function lastMap(values: Record<string, Tensor>) {
  const value = Object.keys(values).findLast((name) => {
    const { rank, shape } = values[name]!;
    return rank === 4 && shape[2]! * shape[3]! > 1;
  });
  return value === undefined ? undefined : { value, channelAxis: 1 };
}

export function tinyModel(engine: Engine, { picture, build, metadata = {} }: Tiny): Model {
  const network: Network = {
    get roles() {
      const [channels, height, width] = picture;
      const size = [height, width] as const;
      const shape = build(probe)['logits']!.shape;
      return {
        input: { name: 'x', layout: 'nchw', channels, batch: null, height, width, size, dtype: 'f32', range: null },
        outputs: [{ name: 'logits', shape }],
        scores: {
          output: 'logits',
          value: 'logits',
          tail: 'none',
          classAxis: 1,
          count: shape.slice(1).reduce((a, b) => a * b, 1),
          kind: 'single-label',
          head: undefined,
          features: lastMap(build(probe)),
        },
      } as const;
    },
    given: {},
    channelAxis: () => 1,
    inputs: [{ name: 'x', shape: [null, ...picture] }],
    outputs: ['logits'],
    parameters: new Map(),
    root: { name: '', kind: 'Module', value: 'logits', children: [], parameters: [] },
    warnings: [],
    metadata: new Map(Object.entries(metadata).map(([k, v]) => [k, JSON.stringify(v)])),
    build: ({ inputs }) => {
      const values = build(inputs['x']!);
      return { outputs: { logits: values['logits']! }, values: new Map(Object.entries(values)), updates: [] };
    },
    substitute: () => undefined,
    resolve: (name) => {
      if (!Object.hasOwn(build(probe), name)) throw new WgradError('unknown-name', `no value ${name}`);
      return name;
    },
    perClass: () => [],
    replaceHead: vi.fn(),
    save: vi.fn(),
  };
  const probe = input('probe', [1, ...picture]);
  return new Model(engine, network);
}
