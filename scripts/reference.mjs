// npm run test:reference: every comparison with the PyTorch reference data, as tables; fails on any miss.
import { spawnSync } from 'node:child_process';

const { status } = spawnSync('npx', ['vitest', 'run', '--reporter=verbose', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, WGRAD_REFERENCE: '1' },
});
process.exit(status ?? 1);
