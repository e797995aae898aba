#!/usr/bin/env node
// The command proper is built by `npm ci` (its prepare script) or `npm run build`.
import { existsSync } from 'node:fs';

const program = new URL('../dist/lib/cli.js', import.meta.url);
if (!existsSync(program)) {
  console.error('wgrad is not built yet. Run: npm run build');
  process.exit(1);
}
await import(program.href);
