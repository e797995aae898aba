/** From a list of pictures with several labels to a file that is judged by the same list. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePng } from '../../src/image/png.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { Random } from '../../src/random.ts';
import { command } from '../support/cli.ts';

const tiny = fileURLToPath(new URL('../fixtures/train/tiny.onnx', import.meta.url));
const LABELS = ['red;bright', '', 'green', 'red', 'green;bright', 'bright'];

describe('wgrad finetune of a list', () => {
  let folder: string;
  let list: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wgrad-list-'));
    list = join(folder, 'list.csv');
    const random = new Random('list');
    for (let i = 0; i < 12; i++) {
      const names = LABELS[i % 6]!.split(';');
      const base = names.includes('bright') ? 160 : 40;
      const data = Uint8Array.from({ length: 3 * 16 * 16 }, (_, k) => {
        const tint = (k % 3 === 0 && names.includes('red')) || (k % 3 === 1 && names.includes('green')) ? 80 : 0;
        return base + tint + random.int(15);
      });
      writeFileSync(join(folder, `${i}.png`), await encodePng({ width: 16, height: 16, data }));
    }
    const lines = Array.from({ length: 12 }, (_, i) => `${i}.png,${LABELS[i % 6]},${i < 6 ? 'train' : 'val'},x`);
    writeFileSync(list, `path,labels,split,note\n${lines.join('\n')}\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('trains on several labels with all that changes pictures and losses, and is judged by them', async () => {
    const out = join(folder, 'tuned.onnx');
    const trained = await command([
      ...['finetune', '--model', tiny, '--images', list, '--out', out, '--json', '--epochs', '2', '--batch', '3'],
      ...[
        '--unfreeze',
        'layer2,fc',
        '--augment',
        'flip',
        '--augment',
        'rotate:degrees=5',
        '--mixup',
        '0.2',
        '--cutmix',
        '1',
      ],
      ...['--loss', 'focal:gamma=1', '--class-weights', 'balanced', '--ema', '0.5', '--distill', '0.1'],
      ...['--fold-batch-norm', '--weights', 'float16'],
    ]);
    expect([trained.code, trained.err]).toEqual([0, expect.stringMatching(/the columns note are not used/)]);
    const { epochs } = JSON.parse(trained.out) as { epochs: { heldOutAccuracy: number }[] };
    expect(epochs).toHaveLength(2);
    const judged = await command(['evaluate', out, '--images', list, '--json', '--report', join(folder, 'page.html')]);
    const measures = JSON.parse(judged.out) as { accuracy: number; classes: string[]; perClass: { support: number }[] };
    expect(measures.classes).toEqual(['bright', 'green', 'red']);
    expect(measures.perClass.map((c) => c.support)).toEqual([3, 2, 2]);
    expect(measures.accuracy).toBeCloseTo(epochs[1]!.heldOutAccuracy, 6);
    expect(readFileSync(join(folder, 'page.html'), 'utf8')).toMatch(/Per class/);
    const { ir, metadata } = await importOnnx(readFileSync(out));
    expect(ir.nodes.map((n) => n.opType)).not.toContain('BatchNormalization');
    expect(ir.initializers.get('fc.weight')!.dtype).toBe('f16');
    expect(JSON.parse(metadata.get('training')!)).toMatchObject({ pictures: 6, epoch: 2, heldOut: { pictures: 6 } });
  });

  it.each<[string, string[], RegExp]>([
    ['an augmentation that is none', ['--augment', 'mirror'], /--augment.*mirror/],
    ['an option that is none', ['--augment', 'flip:q=1'], /--augment/],
    ['a crop of nothing', ['--augment', 'crop:least=0'], /crop: least is 0/],
    ['class weights that are none', ['--class-weights', 'red'], /--class-weights red/],
    ['a loss that is none', ['--loss', 'hinge'], /--loss.*hinge/],
    ['views of what is mixed', ['--augment', 'flip', '--views', '2', '--mixup', '1'], /views is 2/],
  ])('refuses %s', async (_, args, message) => {
    const { code, err } = await command(['finetune', '--model', tiny, '--images', list, '--out', join(folder, 'x.onnx'), ...args]); // prettier-ignore
    expect([code > 0, err]).toEqual([true, expect.stringMatching(message)]);
  });
});
