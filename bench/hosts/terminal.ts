/** What is seen while it runs, and at the end. */
import { short } from '../../src/report/numbers.ts';
import type { BenchResult, CaseScore } from '../core/result.ts';
import { partRows, remarksOn } from '../core/markdown.ts';
import { groupRatios, msOf, peersOf, ratioTo } from '../core/summary.ts';

/** One line a case. */
export function progress(id: string, index: number, count: number, done?: CaseScore): void {
  if (!done) return;
  const own = done.scores['wgrad'];
  const parts = Object.entries(done.scores).map(([name, score]) => {
    const ratio = name === 'wgrad' ? undefined : ratioTo(name, done);
    const time = msOf(score);
    const what = score.failed ?? (time === undefined ? '' : `${short(time)} ms`);
    return `${name} ${what}${ratio === undefined ? '' : ` (${short(ratio)} x)`}`;
  });
  const rate = own?.gflops ? `, ${short(own.gflops)} GFLOP/s` : '';
  console.log(`${`${index + 1}/${count}`.padStart(7)} ${id.padEnd(44)} ${parts.join(', ')}${rate}`);
}

export function printSummary(result: BenchResult): void {
  for (const { group, peer, mean, least, most, count, processor } of groupRatios(result)) {
    const range = count > 1 ? ` (${short(least)} to ${short(most)}, ${count} cases)` : '';
    const spent = processor === undefined ? '' : `; ${short(processor)} x the processor time`;
    console.log(`  ${group.padEnd(24)} ${peer.padEnd(14)} ${short(mean)} x as long as wgrad${range}${spent}`);
  }
  for (const [name, contestant, part, time, forwards] of partRows(result.cases)) {
    console.log(`  ${`${name}: ${part}`.padEnd(39)} ${contestant} ${time}${forwards ? `, ${forwards} forwards` : ''}`);
  }
  for (const line of modelLines(result.cases)) console.log(`  ${line}`);
  for (const remark of remarksOn(result)) console.log(`  ! ${remark}`);
  if (peersOf(result).length === 0) console.log('  no peers');
}

const megabytes = (bytes: number | undefined) => (bytes === undefined ? '?' : `${(bytes / 1e6).toFixed(1)} MB`);

/** The figures that README quotes. */
function modelLines(cases: readonly CaseScore[]): string[] {
  const own = (name: string) => cases.find((c) => c.name === name)?.scores['wgrad'];
  const [forward, gradient] = [own('inference, batch 1'), own('saliency, batch 1')].map(msOf);
  const memory = (name: string) => cases.find((c) => c.suite === 'memory' && c.name === name)?.scores['wgrad']?.figures?.['planned bytes']; // prettier-ignore
  return [
    ...(forward && gradient ? [`saliency is ${short(gradient / forward)} forwards`] : []),
    ...(memory('inference, batch 1') !== undefined
      ? [
          `planned memory: inference ${megabytes(memory('inference, batch 1'))}, saliency ${megabytes(memory('saliency, batch 1'))}`,
        ]
      : []),
  ];
}
