import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { chartCss } from '../src/report/charts/css.ts';
import { themeCss } from '../src/report/index.ts';

/** The design of wgrad's reports, for the page too: `@import 'virtual:theme.css'`. */
const theme: Plugin = {
  name: 'theme',
  resolveId: (id) => (id === 'virtual:theme.css' ? '\0theme.css' : undefined),
  load: (id) => (id === '\0theme.css' ? themeCss() + chartCss : undefined),
};

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Static files for any folder of any server.
  base: './',
  plugins: [theme],
  define: { __VERSION__: JSON.stringify(version) },
  build: { outDir: '../out/demo', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0 },
  worker: { format: 'es' },
});
