// npm run test:slow [-- FILTER ...]: test files and tests by what they cost in processor seconds, which a busy machine
// changes little. WGRAD_SLOW: how many seconds a file or a test may cost before it is listed (default 3).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const most = Number(process.env.WGRAD_SLOW ?? 3);
const folder = mkdtempSync(join(tmpdir(), 'wgrad-slow-'));
const log = join(folder, 'costs.jsonl');
const { status } = spawnSync('npx', ['vitest', 'run', '--reporter=dot', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, WGRAD_TEST_COST: log },
});
const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
rmSync(folder, { recursive: true });
const costs = lines.map((line) => JSON.parse(line)).sort((a, b) => b.seconds - a.seconds);
const row = ({ file, test, seconds }) =>
  `${seconds.toFixed(1).padStart(7)} s  ${[relative('test', file), test ?? ''].join('  ')}`;
const [files, tests] = [costs.filter(({ test }) => !test), costs.filter(({ test }) => test)];
const list = (all) =>
  all
    .filter(({ seconds }) => seconds >= most)
    .map(row)
    .join('\n') || '      none';
console.log(`\nfiles over ${most} processor seconds\n${list(files)}\n\ntests\n${list(tests)}`);
console.log(
  `\n${files.length} files: ${files.reduce((n, { seconds }) => n + seconds, 0).toFixed(1)} processor seconds`,
);
process.exit(status ?? 1);
