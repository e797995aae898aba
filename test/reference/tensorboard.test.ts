/**
 * The calls that were made of torch's SummaryWriter, made of ours: a reader must find the same. Stock TensorBoard's own
 * reader is asked too where Python has it: WGRAD_PYTHON=/path/to/python, else python3.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage, folderLog } from '../../src/node/index.ts';
import { SummaryWriter, type Picture } from '../../src/tensorboard/index.ts';
import { dataFolder } from '../support/data.ts';
import { readEvents, valuesOf } from '../support/event_file.ts';
import { golden2, type Golden } from '../support/golden.ts';

const python = process.env['WGRAD_PYTHON'] ?? 'python3';
const hasReader = spawnSync(python, ['-c', 'import tensorboard, numpy, PIL']).status === 0;
if (!hasReader) console.warn(`skipped: ${python} has no tensorboard, numpy and pillow (set WGRAD_PYTHON)`);

const HISTOGRAMS = ['normal', 'with_zero_and_tails', 'constant', 'ints', 'single', 'zeros'];

/** [C,H,W] or [N,C,H,W] floats as pictures. */
function pictures(g: Golden, name: string): Picture[] {
  const shape = g.shape(name);
  const [channels, height, width] = shape.length === 2 ? [1, ...shape] : shape.slice(-3);
  const data = g.tensor(name);
  const size = channels! * height! * width!;
  return Array.from({ length: data.length / size }, (_, i) => ({
    channels: channels!,
    height: height!,
    width: width!,
    data: data.slice(i * size, (i + 1) * size),
  }));
}

/** As scripts did for `tensorboard/run`. */
async function write(folder: string, g: Golden): Promise<void> {
  const writer = new SummaryWriter(folderLog(folder));
  g.tensor('scalar.loss').forEach((v, i) => writer.addScalar('train/loss', v, 10 * i));
  for (const name of HISTOGRAMS) writer.addHistogram(`hist/${name}`, g.tensor(`hist.${name}`), 3);
  await writer.addImage('img/float', pictures(g, 'image.float')[0]!, 2);
  await writer.addImage('img/gray', pictures(g, 'image.gray')[0]!, 2);
  await writer.addImages('img/grid', pictures(g, 'image.grid'), 2);
  const [height, width] = g.shape('image.u8');
  await writer.addImage('img/u8', { width: width!, height: height!, data: Uint8Array.from(g.tensor('image.u8')) }, 2);
  writer.addText('notes', 'hello **world**\n\n| a | b |\n|---|---|\n| 1 | ü |', 1);
  writer.addPrCurve('pr', g.tensor('pr.labels'), g.tensor('pr.predictions'), 0, { thresholds: 21 });
  writer.addPrCurve('pr127', g.tensor('pr.labels'), g.tensor('pr.predictions'), 0);
  writer.addHparams({ lr: 0.1, bsize: 32, opt: 'adam', flag: true }, { 'hparam/accuracy': 0.75, 'hparam/loss': 0.5 }, { run: 'trial0', step: 1 }); // prettier-ignore
  writer.addGraph([
    { name: 'x', op: 'Input', inputs: [], shape: [1, 3] },
    { name: 'fc', op: 'Gemm', inputs: ['x'] },
  ]);
  const matrix = g.tensor('embedding.matrix');
  await writer.addEmbedding(Array.from({ length: 10 }, (_, i) => matrix.slice(4 * i, 4 * i + 4)), {
    tag: 'feat',
    step: 7,
    metadata: Array.from({ length: 10 }, (_, i) => [`item ${i}`, String(i % 3)]),
    header: ['name', 'class'],
    thumbnails: pictures(g, 'embedding.thumbs'),
  }); // prettier-ignore
  await writer.close();
}

/** What stock TensorBoard found in torch's files: tag -> value. */
function torchValues(): Map<string, any> {
  const { files } = JSON.parse(readFileSync(`${dataFolder}/golden2/tensorboard/run.json`, 'utf8'));
  const [main] = Object.entries<any>(files).filter(([path]) => path.startsWith('events'));
  return new Map(main![1].events.flatMap((e: any) => (e.summary ?? []).map((v: any) => [v.tag, v])));
}

describe.skipIf(!dataFolder)('TensorBoard', () => {
  let folder = '';
  let events: any[] = [];
  let expected = new Map<string, any>();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wgrad-tensorboard-'));
    await write(folder, golden2('tensorboard-inputs'));
    const [file] = readdirSync(folder).filter((name) => name.includes('tfevents'));
    events = readEvents(readFileSync(join(folder, file!)));
    expected = torchValues();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const got = (tag: string) => valuesOf(events, tag)[0]!.value;

  it.each(HISTOGRAMS.map((name) => `hist/${name}`))('%s has the buckets of torch, exactly', (tag) => {
    const { bucket, bucket_limit: limits, ...sums } = got(tag).histo;
    const { bucket: counts, bucket_limit: edges, ...moments } = expected.get(tag).histo;
    expect(bucket).toEqual(counts);
    expect(limits).toEqual(edges);
    // numpy sums by pairs, in float32 where the values are.
    for (const [name, value] of Object.entries<number>(moments))
      expect(Math.abs((sums[name] ?? 0) - value)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(value)));
  });

  it.each(['img/float', 'img/u8', 'img/gray', 'img/grid'])('%s has the pixels of torch, exactly', async (tag) => {
    const { image } = got(tag);
    const pixels = await decodeImage(Uint8Array.from(image.encoded_image_string));
    const sha256 = createHash('sha256').update(pixels.data).digest('hex');
    expect({ ...image, encoded_image_string: sha256 }).toEqual({
      height: expected.get(tag).image.height,
      width: expected.get(tag).image.width,
      colorspace: 3,
      encoded_image_string: expected.get(tag).image.encoded.pixels_sha256,
    });
  });

  it.each(['pr', 'pr127'])('%s is the curve of torch', (tag) => {
    const curve = new Float32Array(Uint8Array.from(got(tag).tensor.tensor_content).buffer);
    expect([...curve]).toEqual(expected.get(tag).tensor.value);
  });

  it.skipIf(!hasReader)("stock TensorBoard's reader accepts all of it", { timeout: 120_000 }, () => {
    const script = `${dataFolder}/golden2/read_events.py`;
    const { status, stdout, stderr } = spawnSync(python, [script, folder], { encoding: 'utf8', maxBuffer: 1 << 26 });
    expect(stderr.split('\n').filter((line) => /error|Traceback/i.test(line))).toEqual([]);
    expect(status).toBe(0);
    const read = JSON.parse(stdout);
    const torch = JSON.parse(readFileSync(`${dataFolder}/golden2/tensorboard/run.json`, 'utf8'));
    const [ours, theirs] = [read.runs['.'], torch.runs['.']];
    expect(ours.scalars['train/loss'].map((v: number[]) => v.slice(1))).toEqual(theirs.scalars['train/loss'].map((v: number[]) => v.slice(1))); // prettier-ignore
    for (const name of HISTOGRAMS)
      expect(ours.distributions[`hist/${name}`]).toEqual(theirs.distributions[`hist/${name}`]);
    for (const tag of ['notes/text_summary', 'pr', 'pr127']) expect(ours.tensors[tag]).toEqual(theirs.tensors[tag]);
    expect(ours.tags.graph).toBe(true);
    const columns = (run: any) => ['experiment', 'session_start_info', 'session_end_info'].map((part) => run.metadata[`_hparams_/${part}`].content); // prettier-ignore
    const [experiment, start, end] = columns(read.runs.trial0);
    expect(experiment.experiment.hparam_infos.map(({ name }: any) => name)).toEqual(['lr', 'bsize', 'opt', 'flag']);
    expect(start.session_start_info.hparams).toEqual({ lr: 0.1, bsize: 32, opt: 'adam', flag: true });
    expect(end).toEqual(columns(torch.runs.trial0)[2]);
    const point = read.projector['.'].embeddings[0];
    const peer = torch.projector['.'].embeddings.find((e: any) => e.name.startsWith('feat'));
    expect(point.values.flat().map(Math.fround)).toEqual(peer.values.flat().map(Math.fround));
    expect(point.metadata).toEqual(peer.metadata);
    expect(point.sprite.size).toEqual(peer.sprite.size);
    expect(point.single_image_dim).toEqual(peer.single_image_dim);
  });
});
