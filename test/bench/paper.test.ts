/** What `--paper` counts, against what can be counted by hand. */
import { expect, it } from 'vitest';
import { gemmWorkgroup } from '../../src/gpu/kernels.gen.ts';
import { coalescing, conflicts, sharedAccesses, tileOf } from '../../bench/paper/access.ts';
import { launchedMs, layersOnPaper, roofMs } from '../../bench/paper/compute.ts';
import { gpus } from '../../bench/paper/gpus.ts';
import { paperMarkdown } from '../../bench/paper/report.ts';

it('neighbours in order are coalesced; every other vector wastes half of a sector', () => {
  expect(coalescing((l) => l, 32)).toBe(1);
  expect(coalescing((l) => 2 * l, 32)).toBe(0.5);
  expect(coalescing(() => 7, 32)).toBe(0.5);
  expect(coalescing((l) => 100 * Math.floor(l / 4) + (l % 4), 32)).toBe(1);
});

it.each(Object.keys(gemmWorkgroup))(
  'a workgroup tile of %s touches its memory without conflict, transposed or not',
  (name) => {
    for (const form of ['nn', 'nt'] as const) {
      const accesses = sharedAccesses(form, tileOf(form, name));
      const turns = Object.entries(accesses).map(([what, access]) => [what, conflicts(access, 64)]);
      expect(turns).toEqual(Object.keys(accesses).map((what) => [what, 1]));
    }
  },
);

it('vectors side by side and one vector for all are without conflict; those eight apart take eight turns', () => {
  expect(conflicts((l) => l, 64)).toBe(1);
  expect(conflicts(() => 3, 64)).toBe(1);
  expect(conflicts((l) => 2 * l, 64)).toBe(2);
  expect(conflicts((l) => 8 * l, 64)).toBe(8);
});

it('counts every layer of ResNet-50, its operations and its bytes', () => {
  const layers = layersOnPaper(gpus[0]!);
  expect(layers).toHaveLength(75);
  const forward = layers.filter((l) => l.pass === 'forward');
  // 8.18 GFLOP, and a little for the fourth channel of the pictures.
  const flops = forward.reduce((sum, l) => sum + l.count * l.flops, 0) / 1e9;
  expect(flops).toBeGreaterThan(8.18);
  expect(flops).toBeLessThan(8.3);
  const fc = forward.find((l) => l.layer === 'fc')!;
  expect(fc.leastBytes).toBe(4 * (2048 + 2048 * 1000 + 1000));
  // Each weight is read once, by tiles of rows that hold one picture; the picture by every tile, then sums of the parts.
  expect(fc.askedBytes).toBeGreaterThan(fc.leastBytes);
});

it('reads global memory in whole sectors, and no kernel beats the roof', () => {
  for (const gpu of gpus) {
    for (const l of layersOnPaper(gpu)) {
      expect(Math.min(l.coalescing.a, l.coalescing.b), `${gpu.name}, ${l.layer}, ${l.pass}`).toBeGreaterThan(0.85);
      expect(l.askedBytes).toBeGreaterThanOrEqual(0.99 * l.leastBytes);
      expect(launchedMs(gpu, l)).toBeGreaterThanOrEqual(roofMs(gpu, l));
    }
  }
});

it('says on every page that nothing of it was measured', () => {
  const text = paperMarkdown();
  expect(text).toContain('No GPU was measured');
  expect(text.match(/Computed, not measured/g)).toHaveLength(gpus.length);
});
