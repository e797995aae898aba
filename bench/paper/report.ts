/** The paper figures as a page and as Markdown, marked as what they are. */
import { markup, percent, renderPage, short, table } from '../../src/report/index.ts';
import { launchedMs, layersOnPaper, roofMs, type LayerOnPaper } from './compute.ts';
import { gpus, type Gpu } from './gpus.ts';

const WARNING =
  'Computed from the plan and from makers’ figures. No GPU was measured: these are bounds on what the kernels could do there, and counts of what they launch and move.';

const columns = [
  'layer',
  'pass',
  'tile',
  'parts',
  'workgroups',
  'MFLOP',
  'MB at least',
  'MB asked for',
  'coalesced a, b',
  'bank turns of stores of b',
  'roof, us',
  'with idle lanes, us',
];

const cells = (gpu: Gpu, l: LayerOnPaper): string[] => [
  l.layer + (l.count > 1 ? ` (x ${l.count})` : ''),
  l.pass,
  l.tile,
  String(l.parts),
  String(l.workgroups),
  short(l.flops / 1e6),
  short(l.leastBytes / 1e6),
  short(l.askedBytes / 1e6),
  `${percent(l.coalescing.a, 0)}, ${percent(l.coalescing.b, 0)}`,
  short(l.conflicts['store b']!),
  short(1000 * roofMs(gpu, l)),
  short(1000 * launchedMs(gpu, l)),
];

const passes = ['forward', 'input gradient', 'weight gradient'] as const;

/** Of the whole network's convolutions, by pass: at the roof, and with idle lanes. */
function totals(gpu: Gpu, layers: readonly LayerOnPaper[]): string[][] {
  return passes.map((pass) => {
    const own = layers.filter((l) => l.pass === pass);
    const sum = (of: (l: LayerOnPaper) => number) => own.reduce((n, l) => n + l.count * of(l), 0);
    const [roof, launched] = [sum((l) => roofMs(gpu, l)), sum((l) => launchedMs(gpu, l))];
    const memoryBound = own.filter((l) => l.leastBytes / gpu.gbs > l.flops / gpu.gflops).length;
    const least = Math.min(...own.map((l) => l.workgroups));
    return [pass, `${short(roof)} ms`, `${short(launched)} ms`, `${memoryBound} of ${own.length}`, String(least)];
  });
}

const totalColumns = ['pass', 'at the roof', 'with idle lanes', 'layers bound by memory', 'fewest workgroups'];

export function paperPage(command: string): string {
  return renderPage({
    title: 'ResNet-50 on paper',
    intro: ['Every distinct layer at 224 x 224, batch 1, by the workgroup kernels, on GPUs that were not there.'],
    warning: markup`<p>${WARNING}</p>`,
    command,
    sections: gpus.map((gpu) => {
      const layers = layersOnPaper(gpu);
      const rows = layers.map((l) => cells(gpu, l));
      return {
        title: `${gpu.name} (${gpu.kind})`,
        text: [
          `${short(gpu.gflops / 1000)} TFLOP/s, ${gpu.gbs} GB/s, ${gpu.lanes} lanes. ${gpu.source}. Computed, not measured.`,
        ],
        body: [
          table({ columns: totalColumns, rows: totals(gpu, layers) }),
          markup`<details><summary>Layer by layer</summary>${table({ columns, rows })}</details>`,
        ],
      };
    }),
  });
}

const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;

export function paperMarkdown(): string {
  const parts = gpus.flatMap((gpu) => {
    const layers = layersOnPaper(gpu);
    const list = (head: readonly string[], rows: readonly string[][]) => [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n'); // prettier-ignore
    return [
      `## ${gpu.name} (${gpu.kind})`,
      `${short(gpu.gflops / 1000)} TFLOP/s, ${gpu.gbs} GB/s, ${gpu.lanes} lanes. ${gpu.source}. Computed, not measured.`,
      list(totalColumns, totals(gpu, layers)),
      list(columns, layers.map((l) => cells(gpu, l))), // prettier-ignore
    ];
  });
  return ['# ResNet-50 on paper', WARNING, ...parts, ''].join('\n\n');
}
