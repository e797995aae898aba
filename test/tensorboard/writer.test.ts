import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { WgradError } from '../../src/errors.ts';
import { decodeImage, folderLog } from '../../src/node/index.ts';
import { MemoryLog, SummaryWriter, type LogSink } from '../../src/tensorboard/index.ts';
import { decodeMessage, readEvents, valuesOf } from '../support/event_file.ts';

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** The files of a log, its event file decoded. */
async function written(add: (writer: SummaryWriter) => void | Promise<void>) {
  const log = new MemoryLog();
  const writer = new SummaryWriter(log, { now: () => 1_700_000_000.5 });
  await add(writer);
  await writer.close();
  const events = (folder: string) =>
    [...log.files].filter(([path]) => path.startsWith(`${folder}events.out.tfevents.1700000000.wgrad.`)).flatMap(([, bytes]) => readEvents(bytes)); // prettier-ignore
  return { events: events(''), run: (name: string) => events(`${name}/`), files: log.files };
}

it('writes scalars of every kind, with steps beyond 32 bits and below 0', async () => {
  const values = [0.5, NaN, Infinity, -Infinity, -0, 1e-45];
  const { events } = await written((w) => {
    values.forEach((value, step) => w.addScalar('naïve/图', value, step));
    w.addScalar('step', 1, 2 ** 40);
    w.addScalar('step', 1, -3);
  });
  expect(events[0]).toMatchObject({ file_version: 'brain.Event:2', wall_time: 1_700_000_000.5 });
  expect(valuesOf(events, 'naïve/图').map(({ value }) => value.simple_value)).toEqual(values.map(Math.fround));
  expect(valuesOf(events, 'step').map(({ step }) => step)).toEqual([2 ** 40, -3]);
});

it('writes histograms, text and curves with their plugins', async () => {
  const { events } = await written((w) => {
    w.addHistogram('weights', [1, 1, 3], 4, { bins: [0, 2, 4] });
    w.addText('notes', '**bold** ü', 1);
    w.addPrCurve('pr', [1, 0], [1, 0], 0, { thresholds: 2 });
  });
  expect(valuesOf(events, 'weights')).toEqual([{ step: 4, value: { tag: 'weights', histo: { min: 1, max: 3, num: 3, sum: 5, sum_squares: 11, bucket_limit: [0, 2, 4], bucket: [0, 2, 1] } } }]); // prettier-ignore
  const notes = valuesOf(events, 'notes/text_summary')[0]!.value;
  expect(notes.metadata.plugin_data.plugin_name).toBe('text');
  expect(notes.tensor).toMatchObject({ dtype: 7, tensor_shape: { dim: [{ size: 1 }] } });
  expect(text(Uint8Array.from(notes.tensor.string_val[0]))).toBe('**bold** ü');
  const pr = valuesOf(events, 'pr')[0]!.value;
  expect(pr.metadata.plugin_data).toEqual({ plugin_name: 'pr_curves', content: [16, 2] });
  expect(pr.tensor.tensor_shape.dim.map((d: any) => d.size)).toEqual([6, 2]);
  expect([...new Float32Array(Uint8Array.from(pr.tensor.tensor_content).buffer)]).toEqual([1, 1, 1, 0, 0, 1, 0, 0, 0.5, 1, 1, 1]); // prettier-ignore
});

it('writes pictures as PNG: bytes as they are, floats clipped and truncated, a sheet of eight a row', async () => {
  const plane = (v: number) => ({ width: 2, height: 1, channels: 1, data: Float32Array.of(v, 2) });
  const { events } = await written(async (w) => {
    await w.addImage('bytes', { width: 1, height: 1, data: Uint8Array.of(9, 8, 7) }, 2);
    await w.addImage('grey', plane(0.999), 2);
    await w.addImages('sheet', Array.from({ length: 9 }, (_, i) => plane(i / 10)), 2); // prettier-ignore
  });
  const decoded = async (tag: string) => {
    const { image } = valuesOf(events, tag)[0]!.value;
    const pixels = await decodeImage(Uint8Array.from(image.encoded_image_string));
    expect([image.width, image.height, image.colorspace]).toEqual([pixels.width, pixels.height, 3]);
    return pixels;
  };
  expect([...(await decoded('bytes')).data]).toEqual([9, 8, 7]);
  expect([...(await decoded('grey')).data]).toEqual([254, 254, 254, 255, 255, 255]);
  const sheet = await decoded('sheet');
  expect([sheet.width, sheet.height]).toEqual([16, 2]);
  expect(sheet.data[3 * 16]).toBe(Math.floor(0.8 * 255));
  expect(sheet.data[3 * 18]).toBe(0);
});

it('makes a run of each curve of a chart and of each set of hyperparameters', async () => {
  const { run } = await written((w) => {
    w.addScalars('loss/a', { train: 1, val: 2 }, 3);
    w.addHparams({ lr: 0.1, optimizer: 'adam', frozen: false }, { accuracy: 0.5 }, { run: 'trial' });
  });
  expect(valuesOf(run('loss_a_val'), 'loss/a')).toMatchObject([{ step: 3, value: { simple_value: 2 } }]);
  const trial = run('trial');
  const plugin = (tag: string) => decodeMessage('HParams', Uint8Array.from(valuesOf(trial, `_hparams_/${tag}`)[0]!.value.metadata.plugin_data.content)); // prettier-ignore
  expect(plugin('experiment').experiment).toEqual({
    hparam_infos: [{ name: 'lr', type: 3 }, { name: 'optimizer', type: 1 }, { name: 'frozen', type: 2 }],
    metric_infos: [{ name: { tag: 'accuracy' } }],
  }); // prettier-ignore
  expect(plugin('session_start_info').session_start_info.hparams).toEqual({ lr: { number_value: 0.1 }, optimizer: { string_value: 'adam' }, frozen: { bool_value: false } }); // prettier-ignore
  expect(plugin('session_end_info').session_end_info).toEqual({ status: 1 });
  expect(valuesOf(trial, 'accuracy')[0]!.value.simple_value).toBe(0.5);
});

it('writes a graph whose names nest', async () => {
  const { events } = await written((w) => {
    w.addGraph([
      { name: 'x', op: 'Input', inputs: [], shape: [-1, 3] },
      { name: 'layer1/conv', op: 'Conv', inputs: ['x'], attributes: { trained: 'true' } },
    ]);
  });
  const graph = decodeMessage('GraphDef', Uint8Array.from(events[1].graph_def));
  expect(graph.versions.producer).toBe(22);
  expect(graph.node[0].attr._output_shapes.list.shape[0].dim.map((d: any) => d.size)).toEqual([-1, 3]);
  expect(graph.node[1]).toMatchObject({ name: 'layer1/conv', op: 'Conv', input: ['x'] });
});

it('writes the projector: points, labels without line breaks, a square sprite, a configuration that grows', async () => {
  const dot = { width: 2, height: 2, channels: 1, data: new Float32Array(4).fill(1) };
  const { files } = await written(async (w) => {
    await w.addEmbedding([[1, 2], [3, 4.5]], { tag: 'feat', step: 7, metadata: ['a\tb', 'c'], thumbnails: [dot, dot] }); // prettier-ignore
    await w.addEmbedding([[1], [2]], { metadata: [['x', '0'], ['y', '1']], header: ['name', 'class'] }); // prettier-ignore
  });
  expect(text(files.get('00007/feat/tensors.tsv'))).toBe('1\t2\n3\t4.5\n');
  expect(text(files.get('00007/feat/metadata.tsv'))).toBe('a b\nc\n');
  expect(text(files.get('00000/default/metadata.tsv'))).toBe('name\tclass\nx\t0\ny\t1\n');
  const sprite = await decodeImage(files.get('00007/feat/sprite.png')!);
  expect([sprite.width, sprite.height, sprite.data[0], sprite.data[3 * 8]]).toEqual([4, 4, 255, 0].with(3, 0));
  const config = text(files.get('projector_config.pbtxt'));
  expect(config.match(/embeddings/g)).toHaveLength(2);
  expect(config).toContain('single_image_dim: 2\n    single_image_dim: 2');
});

it('refuses what no chart can show', async () => {
  const writer = new SummaryWriter(new MemoryLog());
  const refused = (act: () => void, code: string) => expect(act).toThrow(expect.objectContaining({ code }));
  refused(() => writer.addScalar('', 1, 0), 'invalid-argument');
  refused(() => writer.addScalar('a', 1, 0.5), 'invalid-argument');
  refused(() => writer.addGraph([{ name: 'a', op: 'b', inputs: ['c'] }]), 'invalid-argument');
  refused(() => new SummaryWriter(new MemoryLog(), { run: 'a/../../b' }), 'invalid-argument');
  const bad = { width: 1, height: 1, channels: 1, data: Float32Array.of(NaN) };
  await expect(writer.addImage('a', bad, 0)).rejects.toMatchObject({ code: 'not-finite' });
  await expect(writer.addEmbedding([[1], [1, 2]])).rejects.toMatchObject({ code: 'invalid-argument' });
  await expect(writer.addEmbedding([[1]], { metadata: ['a', 'b'] })).rejects.toMatchObject({
    code: 'invalid-argument',
  });
  await writer.close();
  await writer.close();
  refused(() => writer.addScalar('a', 1, 0), 'disposed');
});

const folders: string[] = [];
const folder = () => {
  folders.push(mkdtempSync(join(tmpdir(), 'wgrad-log-')));
  return folders.at(-1)!;
};
afterEach(() => folders.splice(0).forEach((path) => rmSync(path, { recursive: true })));

it('appends to a folder in the order of the calls, a run a subfolder', async () => {
  const path = folder();
  const writer = new SummaryWriter(folderLog(path), { run: 'first' });
  for (let step = 0; step < 20; step++) {
    writer.addScalar('loss', step, step);
    if (step % 7 === 0) void writer.flush();
  }
  await writer.close();
  const [file] = readdirSync(join(path, 'first'));
  const events = readEvents(readFileSync(join(path, 'first', file!)));
  expect(valuesOf(events, 'loss').map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

it('a fault of the sink rejects the flush once, and what comes after is written', async () => {
  const log = new MemoryLog();
  let faults = 1;
  const sink: LogSink = {
    append: (path, bytes) =>
      faults-- > 0 ? Promise.reject(new WgradError('disk-full', `${path}: full`)) : log.append(path, bytes),
  };
  const writer = new SummaryWriter(sink);
  writer.addScalar('a', 1, 0);
  await expect(writer.flush()).rejects.toMatchObject({ code: 'disk-full' });
  writer.addScalar('a', 1, 1);
  await writer.close();
  const events = readEvents([...log.files.values()][0]!);
  expect(valuesOf(events, 'a').map(({ step }) => step)).toEqual([0, 1]);
});

it('names the file where its folder is a file', async () => {
  const path = folder();
  writeFileSync(join(path, 'run'), '');
  const writer = new SummaryWriter(folderLog(join(path, 'run')));
  await expect(writer.close()).rejects.toMatchObject({ code: 'file-write', message: expect.stringContaining('tfevents') }); // prettier-ignore
});
