/** The frozen part is run once for each picture, and what is trained is the same to the bit. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { input } from '../../src/graph/leaves.ts';
import type { Model } from '../../src/model/model.ts';
import { byteFolder } from '../../src/node/byte_folder.ts';
import type { Dataset } from '../../src/train/dataset.ts';
import type { EpochEvent, StartEvent } from '../../src/train/events.ts';
import { fit, type FitOptions } from '../../src/train/fit.ts';
import { frontier } from '../../src/train/frozen.ts';
import { adamw, sgd } from '../../src/train/optimizers.ts';
import { TrainStep } from '../../src/train/step.ts';
import { tinyBatch, tinyData, tinyModel } from '../support/tiny.ts';

type Prepare = (model: Model) => unknown;

async function run(prepare: Prepare, options: Partial<FitOptions>, data = tinyData()) {
  using model = await tinyModel();
  prepare(model);
  const epochs: EpochEvent[] = [];
  let start: StartEvent | undefined;
  const validation = tinyData(5);
  const all = { optimizer: sgd({ lr: 0.1, momentum: 0.9 }), epochs: 3, batchSize: 4, validation, ...options };
  for await (const event of fit(model, data, all)) {
    if (event.type === 'epoch') epochs.push(event);
    if (event.type === 'start') start = event;
  }
  return { start: start!, epochs, state: await model.state(), computed: epochs.map((e) => e.computed) };
}

const head: Prepare = (m) => m.unfreeze('fc');
const stage: Prepare = (m) => m.unfreeze('layer2', 'fc');

describe('the frontier of what is frozen', () => {
  it.each<[string, Prepare, number[][]]>([
    ['fc', head, [[2, 8]]],
    ['a stage', stage, [[2, 4, 16, 16]]],
    ['one convolution within a block', (m) => m.unfreeze('layer2.0.conv2'), [[2, 8, 8, 8], [2, 8, 8, 8]]], // prettier-ignore
    ['BatchNorm with statistics of the batch', (m) => m.unfreeze('layer2.0.bn2').batchNorm('auto'), [[2, 8, 8, 8], [2, 8, 8, 8]]], // prettier-ignore
  ])('%s', async (_, prepare, shapes) => {
    using model = await tinyModel();
    prepare(model);
    const picture = input('input', [2, 3, 16, 16]);
    const graph = model.graph({ input: picture, training: true });
    const found = frontier([graph.logits, ...graph.updates], picture, new Set(model.trainable()))!;
    expect(found.map((t) => t.shape)).toEqual(shapes);
  });

  it('is nothing where the first layer is trained', async () => {
    using model = (await tinyModel()).unfreeze('conv1');
    const picture = input('input', [2, 3, 16, 16]);
    expect(frontier([model.graph({ input: picture }).logits], picture, new Set(model.trainable()))).toBeUndefined();
  });
});

describe('the cache', () => {
  it.each<[string, Prepare, Partial<FitOptions>]>([
    ['the head', head, {}],
    ['a stage, AdamW, an average', stage, { optimizer: adamw({ lr: 0.01 }), ema: 0.5 }],
    ['statistics of the batch', (m) => m.unfreeze('layer2', 'fc').batchNorm('auto'), { batchSize: 3 }],
    ['batches that leave something over, two of them a step', head, { batchSize: 5, accumulate: 2 }],
    ['room for a few', stage, { cache: { memory: 3.5 * 4096 } }],
  ])('changes no bit: %s', async (_, prepare, options) => {
    const cached = await run(prepare, options);
    const plain = await run(prepare, { ...options, cache: false });
    expect(plain.start.cache).toBeUndefined();
    expect(cached.state).toEqual(plain.state);
    expect(cached.epochs.map((e) => [e.loss, e.accuracy, e.validation])).toEqual(
      plain.epochs.map((e) => [e.loss, e.accuracy, e.validation]),
    );
  });

  it('runs the frozen part once for each picture, as far as there is room, and says so', async () => {
    const { start, computed } = await run(stage, {});
    expect(start.cache).toEqual({ values: [expect.any(String)], bytes: 4096, pictures: 17, room: 17 });
    expect(computed).toEqual([17, 0, 0]);
    const few = await run(stage, { cache: { memory: 3.5 * 4096 } });
    expect(few.start.cache).toMatchObject({ room: 3 });
    expect(few.computed).toEqual([17, 14, 14]);
  });

  it('takes nothing for granted of a dataset that does not say that it is fixed', async () => {
    let reads = 0;
    const { fixed, ...base } = tinyData();
    const data: Dataset = { ...base, checked: true, get: (i) => (reads++, base.get(i)) };
    expect((await run(head, {}, data)).start.cache).toBeUndefined();
    expect([fixed, reads]).toEqual([true, 36]);
  });

  // Five of the twelve pictures are held out as well.
  it('keeps features in a folder for later trainings, by weights and pictures', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wgrad-features-'));
    try {
      const cache = { store: await byteFolder(folder) };
      const first = await run(head, { cache });
      expect([first.computed, readdirSync(folder).length]).toEqual([[12, 0, 0], 12]);
      const again = await run(head, { cache });
      expect([again.computed, again.state]).toEqual([[0, 0, 0], first.state]);
      const weights: Prepare = (m) => {
        head(m);
        const { variable } = m.parameter('conv1.weight');
        void m.engine.write(variable, variable.initial.map((v) => 2 * v)); // prettier-ignore
      };
      expect((await run(weights, { cache })).computed).toEqual([12, 0, 0]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a step that is split', () => {
  it('is fed pictures as any other, and costs the unfrozen part', async () => {
    const results = [];
    for (const splitFrozen of [false, true]) {
      using model = (await tinyModel()).unfreeze('fc');
      const step = await TrainStep.create(model, { optimizer: sgd({ lr: 0.1 }), batch: 4, splitFrozen });
      const { pictures, targets } = tinyBatch([0, 1, 2, 3]);
      const result = await step.run(pictures, targets);
      results.push({ result, state: await model.state(), flops: step.program.stats.flops });
      step.dispose();
    }
    const [whole, split] = results as [(typeof results)[0], (typeof results)[0]];
    expect([split.result, split.state]).toEqual([whole.result, whole.state]);
    expect(split.flops).toBeLessThan(whole.flops / 100);
  });
});
