/** A training that was killed in the middle, taken up again, ends with the same file as one that was not. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shapePictures, SIDE } from '../../src/data/shapes.ts';
import { encodePng } from '../../src/image/png.ts';
import { trainKilled, trainThrough } from '../support/killed.ts';

describe('kill -9', { timeout: 300_000 }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wgrad-resume-'));
    for (const [i, p] of shapePictures('resume', 8, ['heart', 'hexagon']).entries()) {
      const dir = join(folder, 'images', p.label ? 'hexagon' : 'heart');
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, `${i}.png`), await encodePng({ width: SIDE, height: SIDE, data: p.pixels }));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('costs what came after the last checkpoint, and nothing else', async () => {
    const args = (out: string) => [
      ...['--images', join(folder, 'images'), '--epochs', '16', '--batch', '2', '--unfreeze', 'layer4.0.conv3,fc'],
      ...[
        '--optimizer',
        'adamw',
        '--lr',
        '0.001',
        '--ema',
        '0.9',
        '--checkpoint-steps',
        '1',
        '--out',
        join(folder, out),
      ],
    ];
    await trainThrough(args('straight.onnx'));
    const kills = await trainKilled(args('killed.onnx'), join(folder, 'killed.onnx.checkpoint'), [Math.random() * 100, Math.random() * 200]); // prettier-ignore
    expect(kills).toBeGreaterThan(0);
    expect(readFileSync(join(folder, 'killed.onnx')).equals(readFileSync(join(folder, 'straight.onnx')))).toBe(true);
    const state = (name: string) => readFileSync(join(folder, `${name}.onnx.checkpoint`));
    expect(state('killed').equals(state('straight'))).toBe(true);
    expect(readdirSync(folder).filter((f) => f.endsWith('.tmp'))).toEqual([]);
  });
});
