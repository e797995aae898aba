#!/usr/bin/env node
// The command proper is built by `npm ci` (its prepare script) or `npm run build`.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../dist/lib/cli.js', import.meta.url);
if (!existsSync(program)) {
  console.error('wgrad is not built yet. Run: npm run build');
  process.exit(1);
}
const { launch } = await import(new URL('../dist/lib/launcher.js', import.meta.url).href);
launch(fileURLToPath(program), process.argv.slice(2));
