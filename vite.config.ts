import { readFileSync } from 'node:fs';
import { defineConfig } from 'vite';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };

/**
 * One build of all entries, with common code in common chunks: an engine of 'wgrad/node' must know the ops and the
 * classes of 'wgrad' as its own. `ssr` only means that dependencies and Node's modules stay imports; which entries may
 * reach Node's is asserted in test/package.test.ts.
 */
export default defineConfig({
  build: {
    outDir: 'dist/lib',
    ssr: true,
    target: 'es2022',
    minify: false,
    rollupOptions: {
      input: {
        index: 'src/index.ts',
        onnx: 'src/onnx/index.ts',
        train: 'src/train/index.ts',
        explain: 'src/explain/index.ts',
        ascent: 'src/ascent/index.ts',
        image: 'src/image/index.ts',
        browser: 'src/browser/index.ts',
        node: 'src/node/index.ts',
        cli: 'src/cli/main.ts',
      },
      output: { chunkFileNames: 'chunks/[name]-[hash].js' },
    },
  },
  ssr: { external: Object.keys(dependencies) },
});
