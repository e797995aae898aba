/** The guides' code that runs: the whole story, on a small model and a folder of small pictures; and the op. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { resnetGraph } from '../../scripts/resnet.ts';
import { encodePng } from '../../src/image/index.ts';
import { grad, input, sum } from '../../src/index.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { Random } from '../../src/random.ts';
import { testEngine } from '../support/engine.ts';
import { tolerance } from '../tolerance.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const code = join(root, 'out/test-guides');
const SIDE = 32;

/** A block of a guide as a module of the checkout. */
function moduleOf(page: string, block: number, change: (text: string) => string = (text) => text): string {
  const blocks = [...readFileSync(join(root, 'docs/guides', page), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)];
  const text = blocks[block]![1]!.replaceAll(
    /from 'wgrad(?:\/(\w+))?'/g,
    (_, entry?: string) => `from '${relative(code, join(root, 'src', entry ?? '', 'index.ts'))}'`,
  );
  mkdirSync(code, { recursive: true });
  const file = join(code, `${page}.${block}.ts`);
  writeFileSync(file, change(text));
  return file;
}

describe('the guides', () => {
  let work: string;
  const before = process.cwd();
  const random = new Random('guides');

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'wgrad-guides-'));
    const classes = ['a', 'b', 'c'];
    writeFileSync(join(work, 'small.onnx'), encodeOnnx(resnetGraph({ widths: [4, 8], blocks: [1, 1], strides: [1, 2], stem: 4, side: SIDE, classes, mean: [0, 0, 0], std: [1, 1, 1], seed: 3 }))); // prettier-ignore
    for (const name of ['cats', 'dogs']) {
      mkdirSync(join(work, 'photos', name), { recursive: true });
      for (let i = 0; i < 4; i++) {
        const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => random.int(256));
        writeFileSync(join(work, 'photos', name, `${i}.png`), await encodePng({ width: SIDE, height: SIDE, data }));
      }
    }
    process.chdir(work);
  });
  afterAll(() => {
    process.chdir(before);
    rmSync(work, { recursive: true, force: true });
    rmSync(code, { recursive: true, force: true });
  });

  it('the whole story is told to its end', { timeout: 120_000 }, async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    // The network of the story is larger, and is looked at longer.
    const file = moduleOf('story.md', 0, (text) =>
      text
        .replace("'resnet50'", "'small.onnx'")
        .replace('samples: 200', 'samples: 20')
        .replace('steps: 64', 'steps: 4')
        .replace('epochs: 5', 'epochs: 1'),
    );
    await import(file);
    expect(log.mock.calls.length).toBeGreaterThan(1);
    log.mockRestore();
    const written = readdirSync(work);
    for (const name of ['why.svg', 'class.png', 'tuned.onnx', 'runs']) expect(written).toContain(name);
    expect(readFileSync('why.svg', 'utf8')).toContain('deep-shap');
  });

  it('the op of its own computes and differentiates', async () => {
    const { tanhshrink } = (await import(moduleOf('writing-an-op.md', 1))) as { tanhshrink: typeof sum };
    const engine = await testEngine();
    const x = input('x', [7]);
    const y = tanhshrink(x);
    const values = [-3, -0.5, 0, 0.1, 1, 2, 5];
    const out = await engine.evaluate({ y, dx: grad(sum(y), [x])[0]! }, { x: values });
    values.forEach((v, i) => {
      expect(Math.abs(out.y[i]! - (v - Math.tanh(v)))).toBeLessThan(tolerance.op);
      expect(Math.abs(out.dx[i]! - Math.tanh(v) ** 2)).toBeLessThan(tolerance.op);
    });
  });
});
