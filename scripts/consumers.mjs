// npm run test:consumers: the package in other bundlers, and on another library's device. Installs these on first use.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../test/consumers', import.meta.url));
if (!existsSync(`${folder}/node_modules/webpack/package.json`)) {
  console.log('installing test/consumers/package.json (once; 48 MB on disk)');
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts'];
  const { status } = spawnSync('npm', ['ci', ...flags], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
const { status } = spawnSync('npx', ['vitest', 'run', '--reporter=verbose', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, WGRAD_CONSUMERS: '1' },
});
process.exit(status ?? 1);
