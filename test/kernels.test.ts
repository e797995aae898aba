/** The sources of kernels/ and what the build makes of them (scripts/wgsl.ts). */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { flatten, readModule, variantsOf } from '../scripts/wgsl.ts';
import { testEngine } from './support/engine.ts';

const folder = new URL('../kernels/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.wgsl'));

/** Dawn's complaints. */
async function problemsOf(code: string): Promise<string[]> {
  const { gpuDevice } = await testEngine();
  gpuDevice.pushErrorScope('validation');
  const { messages } = await gpuDevice.createShaderModule({ code }).getCompilationInfo();
  await gpuDevice.popErrorScope();
  return messages.filter((m) => m.type === 'error').map((m) => `line ${m.lineNum}: ${m.message}`);
}

describe('every kernel', () => {
  it.each(files)('%s is a valid module as it is written, and as it is built', async (file) => {
    const source = readModule(folder, file);
    expect(await problemsOf(source)).toEqual([]);
    for (const values of variantsOf(source).values()) expect(await problemsOf(flatten(source, values))).toEqual([]);
  });

  it('an invalid module is noticed', async () => {
    expect(await problemsOf('fn f() -> u32 { return 1.5; }')).toHaveLength(1);
  });
});

const squeeze = (code: string) => code.replace(/\s+/g, ' ').trim();

describe('flatten', () => {
  it('writes marked loops out, arrays as variables, and exchanges of near lanes as swaps', () => {
    const code = `const N: u32 = 2u;
fn f() {
  var c: array<f32, N>;
  // @unroll
  for (var i = 0u; i < N * 2u; i++) {
    let v = subgroupShuffleXor(c[i / 2u], i);
    c[i % N] += v.c;
  }
}`;
    const swap = ['c_0', 'quadSwapX(c_0)', 'quadSwapY(c_1)', 'quadSwapDiagonal(c_1)'];
    const copy = (i: number) => `{ let v = ${swap[i]}; c_${i % 2} += v.c; }`;
    expect(squeeze(flatten(code, {}))).toBe(
      `const N: u32 = 2u; fn f() { var c_0: f32; var c_1: f32; ${[0, 1, 2, 3].map(copy).join('')} }`,
    );
  });

  it('takes values of variants, and leaves loops without a mark and arrays with an unknown index', () => {
    const code =
      'const N: u32 = 2u;\nfn f(k: u32) { var c: array<f32, N>; for (var i = 0u; i < k; i++) { c[i] = 0.0; } }';
    expect(squeeze(flatten(code, { N: 3 }))).toBe(squeeze(code.replace('2u', '3u')));
  });

  it('a mark before a loop that it cannot count is an error', () => {
    expect(() => flatten('fn f(k: u32) {\n// @unroll\nfor (var i = 0u; i < k; i++) {}\n}', {})).toThrow(
      /cannot unroll/,
    );
  });
});
