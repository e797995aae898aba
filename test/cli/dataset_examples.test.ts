/** `wgrad dataset-examples`: the page, the sheet, the JSON, refusals. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cut } from '../../src/cli/dataset_examples.ts';
import { Interrupt } from '../../src/cli/interrupt.ts';
import { runCommand } from '../../src/cli/run.ts';
import { shapeClasses, shapePicture, SIDE } from '../../src/data/shapes.ts';
import { blank, paste } from '../../src/image/image.ts';
import { encodePng } from '../../src/image/png.ts';
import { Random } from '../../src/random.ts';

async function wgrad(args: string[]) {
  const io = { out: '', err: '' };
  const stream = (key: 'out' | 'err') => ({ write: (text: string) => void (io[key] += text) });
  const code = await runCommand(['dataset-examples', ...args], { out: stream('out'), err: stream('err'), interrupt: new Interrupt() }); // prettier-ignore
  return { code, ...io };
}

describe('wgrad dataset-examples', { timeout: 120_000 }, () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wgrad-examples-'));
    mkdirSync(join(folder, 'pictures', 'below'), { recursive: true });
    for (let i = 0; i < 6; i++) {
      const { pixels } = shapePicture(shapeClasses[i]!, i, new Random(i));
      const png = await encodePng({ width: SIDE, height: SIDE, data: pixels });
      writeFileSync(join(folder, 'pictures', i < 3 ? '' : 'below', `${shapeClasses[i]}.png`), png);
    }
    writeFileSync(join(folder, 'pictures', 'notes.txt'), 'no picture');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes a page, a sheet and JSON', async () => {
    const out = join(folder, 'out');
    const { code, out: json, err } = await wgrad(['--images', join(folder, 'pictures'), '--layer', 'layer2', '--units', '3,4', '--top', '4', '--steps', '1', '--out', out, '--json']); // prettier-ignore
    expect(code, err).toBe(0);
    expect(err).toContain('notes.txt (no picture)');
    const found = JSON.parse(json) as { unit: number; active: number; examples: { file: string; value: number; field: { width: number } }[] }[]; // prettier-ignore
    expect(found.map((f) => f.unit)).toEqual([3, 4]);
    for (const { examples } of found) {
      expect(examples).toHaveLength(4);
      expect(examples.map((e) => e.value)).toEqual(examples.map((e) => e.value).sort((a, b) => b - a));
      for (const { file, field } of examples) {
        expect(existsSync(file)).toBe(true);
        expect(field.width).toBeLessThanOrEqual(SIDE);
      }
    }
    const html = readFileSync(join(out, 'index.html'), 'utf8');
    expect(html.match(/<img /g)).toHaveLength(2 * 5);
    expect(html).toContain('layer2:3');
    expect((await sharp(join(out, 'sheet.png')).metadata()).width).toBe(5 * 116 - 4);
  });

  it('crops what the position sees, wherever it is in a picture of any size, and only that', () => {
    const image = blank(224, 200);
    paste(image, blank(100, 50, [10, 200, 30]), 124, 150);
    const seen = cut(image, { left: 124, top: 150, width: 100, height: 50 });
    expect([seen.width, seen.height]).toEqual([112, 56]);
    expect([...seen.data]).toEqual([...blank(112, 56, [10, 200, 30]).data]);
    expect(cut(image, { left: 0, top: 0, width: 224, height: 200 })).toMatchObject({ width: 112, height: 100 });
  });

  it.each([
    [['--layer', 'layer2'], /images/, 2],
    [['--layer', 'layer9', '--images', '.'], /layer9/, 1],
    [['--layer', 'layer2', '--units', 'x', '--images', '@'], /names no units/, 2],
    [['--layer', 'layer2', '--units', '5000', '--images', '@'], /has units 0 to 79/, 1],
    [['--layer', 'layer2', '--images', '@/none'], /no such folder/, 1],
  ])('%j is refused', async (args, message, code) => {
    const given = args.map((a) => a.replace('@', join(folder, 'pictures')));
    expect(await wgrad(given)).toMatchObject({ code, err: expect.stringMatching(message) as string });
  });
});
