/** Results in files: read, compared, merged, written. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../src/node/write.ts';
import { compareMarkdown } from '../core/compare.ts';
import { toMarkdown } from '../core/markdown.ts';
import { merge } from '../core/merge.ts';
import { toPage } from '../core/page.ts';
import { resultsIndex } from '../core/results_index.ts';
import { paperMarkdown, paperPage } from '../paper/report.ts';
import { SCHEMA, type BenchResult } from '../core/result.ts';
import { UsageError, type FileWork } from './options.ts';
import { printSummary } from './terminal.ts';

/** @throws UsageError where the file is none of the harness's. */
export function readResult(path: string): BenchResult {
  let result: Partial<BenchResult>;
  try {
    result = JSON.parse(readFileSync(path, 'utf8')) as Partial<BenchResult>;
  } catch (error) {
    throw new UsageError(`bench: ${path}: ${(error as Error).message}`);
  }
  if (result?.schema === SCHEMA && Array.isArray(result.cases)) return result as BenchResult;
  throw new UsageError(
    `bench: ${path} is no result of this harness (schema ${result?.schema ?? 'none'}, not ${SCHEMA})`,
  );
}

export async function writeResult(folder: string, result: BenchResult): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeWhole(join(folder, 'result.json'), `${JSON.stringify(result, null, 1)}\n`);
  await writeWhole(join(folder, 'result.md'), toMarkdown(result));
  await writeWhole(join(folder, 'index.html'), toPage(result));
  console.log(`wrote ${join(folder, 'result.json')}, result.md and index.html`);
}

export async function fileWork({ kind, files, out }: FileWork): Promise<void> {
  await mkdir(out, { recursive: true });
  if (kind === 'paper') {
    await writeWhole(join(out, 'paper.html'), paperPage('npm run bench -- --paper'));
    await writeWhole(join(out, 'paper.md'), paperMarkdown());
    return console.log(`computed, not measured: wrote ${join(out, 'paper.html')} and paper.md`);
  }
  if (kind === 'index') {
    const kept = readdirSync(out).filter((name) => existsSync(join(out, name, 'result.json'))).sort(); // prettier-ignore
    const results = kept.map((name) => [name, readResult(join(out, name, 'result.json'))] as const);
    await writeWhole(join(out, 'README.md'), resultsIndex(Object.fromEntries(results)));
    return console.log(`wrote ${join(out, 'README.md')} of ${kept.length} results`);
  }
  const results = files.map(readResult);
  if (kind === 'merge') {
    const whole = merge(results);
    await writeResult(out, whole);
    return printSummary(whole);
  }
  const text = compareMarkdown(results[0]!, results[1]!);
  console.log(text);
  await writeWhole(join(out, 'compare.md'), text);
  console.log(`wrote ${join(out, 'compare.md')}`);
}
