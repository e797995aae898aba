/** A training of the embedded model on shapes that it has never seen, watched: story, event file, page. */
import { beforeAll, describe, expect, it } from 'vitest';
import { newShapeClasses, shapePictures, SIDE } from '../../src/data/shapes.ts';
import { normalize } from '../../src/image/preprocess.ts';
import type { Model } from '../../src/model/model.ts';
import { MemoryLog, SummaryWriter } from '../../src/tensorboard/index.ts';
import { adam, fit, inMemory, type Dataset } from '../../src/train/index.ts';
import { graphNodes, layersMoved, placeOf, shortcutWarnings, trainingPage, TrainingWatch, unitsMoved, type TrainingStory } from '../../src/watch/index.ts'; // prettier-ignore
import { testEngine } from '../support/engine.ts';
import { decodeMessage, readEvents, valuesOf } from '../support/event_file.ts';
import { embeddedModel } from '../support/golden.ts';

const classes = newShapeClasses.slice(0, 2);

function shapes(model: Model, seed: string, count: number) {
  const made = shapePictures(seed, count, classes);
  const samples = made.map(({ pixels, label }, i) => ({ input: normalize({ width: SIDE, height: SIDE, data: pixels }, model.preprocess!), label, name: `${seed} ${i}` })); // prettier-ignore
  return { data: inMemory(samples, classes), masks: made.map(({ mask }) => mask.map((v) => v / 255)), samples };
}

describe('a watched training', () => {
  let model: Model;
  let story: TrainingStory;
  let log: MemoryLog;
  let events: any[];
  let after: Map<string, Float32Array>;
  let validation: Dataset;

  beforeAll(async () => {
    model = await embeddedModel(await testEngine());
    const train = shapes(model, 'watch', 16);
    const held = shapes(model, 'watch held', 8);
    validation = held.data;
    await model.adaptHead(classes);
    model.freeze().unfreeze('layer4', 'fc');
    log = new MemoryLog();
    const writer = new SummaryWriter(log);
    const pictures = [0, 1].map((i) => ({ input: held.samples[i]!.input, label: held.samples[i]!.label, name: `pinned ${i}`, mask: held.masks[i]! })); // prettier-ignore
    const watch = await TrainingWatch.create(model, {
      validation,
      watch: { pictures, units: ['layer4:3'], unitSteps: 4, every: 2 },
      log: writer,
      hyperparameters: { lr: 3e-3 },
    });
    for await (const event of fit(model, train.data, {
      optimizer: adam({ lr: 3e-3 }),
      epochs: 3,
      batchSize: 8,
      validation,
    }))
      await watch.hear(event);
    after = await model.state();
    story = await watch.finish();
    await writer.close();
    const [, file] = [...log.files].find(([path]) => path.startsWith('events'))!;
    events = readEvents(file);
  });

  it('keeps the story: steps, epochs, looks before, every second epoch and at the end', () => {
    expect(story.steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(story.epochs).toHaveLength(3);
    expect(story.looks.map(({ epoch }) => epoch)).toEqual([0, 2, 3]);
    expect(story.looks[0]!.maps.map(({ picture }) => picture.name)).toEqual(['pinned 0', 'pinned 1']);
    for (const { place } of story.looks[0]!.maps) {
      expect(place.object).toBeGreaterThan(0);
      expect(place.border).toBeLessThan(1);
    }
    expect(story.before!.accuracy).toBeLessThanOrEqual(1);
    expect(story.moved.length).toBeGreaterThan(1);
    expect(story.moved.every(({ name }) => name.startsWith('layer4') || name === 'fc')).toBe(true);
    expect(story.moved.every(({ relative }) => relative > 0)).toBe(true);
  });

  it('draws before and after, and leaves the trained parameters as they are', async () => {
    expect(story.units.length).toBeGreaterThan(0);
    const { before, after: drawn } = story.units[0]!;
    expect(drawn.image.data).not.toEqual(before.image.data);
    const now = await model.state();
    for (const [name, values] of after) expect(now.get(name), name).toEqual(values);
    for (const mistake of story.mistakes) expect(mistake.guess).not.toBe(mistake.label);
  });

  it('writes scalars, histograms, pictures, curves, the graph and the projector', () => {
    const steps = (tag: string) => valuesOf(events, tag).map(({ step }) => step);
    expect(steps('loss/train')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(valuesOf(events, 'loss/train').map(({ value }) => value.simple_value)).toEqual(story.steps.map(({ loss }) => Math.fround(loss))); // prettier-ignore
    expect(steps('accuracy/held out')).toEqual([0, 2, 4, 6]);
    for (const tag of ['weights/fc/weight', 'gradients/fc/weight']) expect(steps(tag)).toEqual([2, 4, 6]);
    expect(steps('maps/grad-cam/pinned 0')).toEqual([0, 4, 6]);
    expect(steps('units/layer4:3')).toEqual([0, 4, 6]);
    expect(steps(`precision-recall/${classes[0]}`)).toEqual([2, 4, 6]);
    const graph = decodeMessage('GraphDef', Uint8Array.from(events.find((e) => e.graph_def).graph_def));
    expect(graph.node.find((n: any) => n.name === 'fc/weight').op).toBe('Trained');
    expect(graph.node.find((n: any) => n.name === 'conv1/weight').op).toBe('Frozen');
    expect([...log.files.keys()].filter((path) => /hparams|tensors.tsv|sprite.png|projector_config/.test(path))).toHaveLength(4); // prettier-ignore
  });

  it('tells it on one page that asks nothing of the network', async () => {
    const page = await trainingPage(story, { command: 'wgrad finetune' });
    // Not whole pages in a failure's message.
    const text = page.replace(/data:image[^"]*/g, '');
    for (const title of ['Curves', 'By class', 'Where it looks', 'What units respond to', 'How far layers moved'])
      expect(text.includes(title), title).toBe(true);
    expect(/(?:src|href)="https?:[^"]*/.exec(text)?.[0]).toBeUndefined();
    expect(/.{30}(?:undefined|NaN|\[object).{0,30}/.exec(text)?.[0]).toBeUndefined();
  });
});

it('graph names are unique, and every input is a node', async () => {
  const nodes = graphNodes(await embeddedModel(await testEngine()));
  const names = new Set(nodes.map(({ name }) => name));
  expect(names.size).toBe(nodes.length);
  expect(nodes.flatMap(({ inputs }) => inputs).every((input) => names.has(input))).toBe(true);
});

describe('drift', () => {
  it('measures layers and units by their own length', () => {
    const before = new Map([['a.w', Float32Array.of(3, 4)], ['a.b', Float32Array.of(0)], ['b.w', Float32Array.of(1, 0, 0, 1)]]); // prettier-ignore
    const after = new Map([['a.w', Float32Array.of(3, 9)], ['a.b', Float32Array.of(0)], ['b.w', Float32Array.of(1, 0, 0, 3)]]); // prettier-ignore
    expect(layersMoved(before, after, (name) => name[0]!)).toEqual([{ name: 'a', relative: 1 }, { name: 'b', relative: expect.closeTo(Math.SQRT2, 12) as number }]); // prettier-ignore
    expect(unitsMoved('b', 2, before.get('b.w')!, after.get('b.w')!)).toEqual([{ name: 'b', unit: 1, relative: 2 }, { name: 'b', unit: 0, relative: 0 }]); // prettier-ignore
  });

  it('finds how much of a map lies on the border and on the object', () => {
    const map = new Float32Array(100);
    map[0] = 1;
    map[55] = 3;
    map[56] = -9;
    const attribution = { method: 'gradient', map, shape: [1, 10, 10] } as never;
    const mask = Float32Array.from({ length: 100 }, (_, i) => (i === 55 ? 1 : 0));
    expect(placeOf(attribution, mask)).toEqual({ border: 0.25, object: 0.75 });
  });

  it('warns where maps leave the object or gather at the border, and only there', () => {
    const [on, off] = [{ border: 0.2, object: 0.7 }, { border: 0.5, object: 0.3 }]; // prettier-ignore
    expect(shortcutWarnings([on], [on])).toEqual([]);
    expect(shortcutWarnings([], [])).toEqual([]);
    const warnings = shortcutWarnings([on, on], [off, off]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('70 %');
  });
});

it.each([
  [{ every: 0 }, 'invalid-argument'],
  [{ units: ['layer4'] }, 'invalid-argument'],
  [{ methods: ['no such'] }, 'unknown-name'],
])('refuses to watch with %j', async (watch, code) => {
  const model = await embeddedModel(await testEngine());
  await expect(TrainingWatch.create(model, { watch: { pictures: [], ...watch } as never })).rejects.toMatchObject({ code }); // prettier-ignore
});
