/**
 * Kills a training at random moments, ten times, and takes it up again: the result must be that of one that ran through.
 *
 *     npx tsx scripts/kill-resume.ts [--times 10] [--longest 400]
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { shapePictures, SIDE } from '../src/data/shapes.ts';
import { encodePng } from '../src/image/png.ts';
import { trainKilled, trainThrough } from '../test/support/killed.ts';

const { values } = parseArgs({
  options: { times: { type: 'string', default: '10' }, longest: { type: 'string', default: '400' } },
});
const folder = mkdtempSync(join(tmpdir(), 'wgrad-kill-'));
for (const [i, p] of shapePictures('resume', 24, ['heart', 'hexagon']).entries()) {
  const dir = join(folder, 'images', p.label ? 'hexagon' : 'heart');
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `${i}.png`), await encodePng({ width: SIDE, height: SIDE, data: p.pixels }));
}
const args = (out: string) => [
  ...['--images', join(folder, 'images'), '--epochs', '60', '--batch', '2', '--unfreeze', 'layer4,fc', '--bn', 'auto'],
  ...['--optimizer', 'adamw', '--lr', '0.001', '--ema', '0.9', '--checkpoint-steps', '1', '--out', join(folder, out)],
];
await trainThrough(args('straight.onnx'));
const delays = Array.from({ length: Number(values.times) }, () => Math.random() * Number(values.longest));
const kills = await trainKilled(args('killed.onnx'), join(folder, 'killed.onnx.checkpoint'), delays);
const read = (name: string) => readFileSync(join(folder, name));
const same = ['onnx', 'onnx.checkpoint'].map((e) => read(`straight.${e}`).equals(read(`killed.${e}`)));
console.log(`${kills} kills; model and checkpoint the same: ${same.join(', ')}`);
rmSync(folder, { recursive: true });
process.exit(same.every(Boolean) && kills === Number(values.times) ? 0 : 1);
