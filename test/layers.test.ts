/** The folders of src/ form a ladder: each imports only from itself and from those below it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../src', import.meta.url));

/** From the ground up, as in docs/architecture.md; what stands in one row does not know of one another. */
const ladder = [
  ['abort.ts', 'errors.ts', 'lru.ts', 'median.ts', 'pace.ts', 'random.ts'],
  ['gpu', 'formats', 'image', 'receive.ts', 'options.ts'],
  ['gemm', 'report', 'tensorboard'],
  ['graph'],
  ['ops'],
  ['autograd', 'plan', 'engine_options.ts'],
  ['engine_core.ts'],
  ['engine.ts', 'transforms'],
  ['model'],
  ['onnx', 'train', 'explain'],
  ['ascent', 'data', 'browser'],
  ['node', 'watch'],
  ['cli', 'index.ts', 'worker'],
];

const part = (file: string) => relative(root, file).split('/')[0]!;
const rung = (name: string) => ladder.findIndex((row) => row.includes(name));

it('no folder imports from one above it or beside it', () => {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
  const wrong: string[] = [];
  for (const file of files) {
    const from = part(join(root, file));
    expect(rung(from), `src/${from} has no place in the ladder`).toBeGreaterThanOrEqual(0);
    for (const [, target] of readFileSync(join(root, file), 'utf8').matchAll(/\bfrom '(\.[^']+)'/g)) {
      const to = part(resolve(root, file, '..', target!));
      if (to !== from && rung(to) >= rung(from)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});
