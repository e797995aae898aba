import { readFileSync } from 'node:fs';
import { defineConfig } from 'vite';

const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };

/** What a page imports; nothing here may reach a Node module. */
const library = {
  index: 'src/index.ts',
  onnx: 'src/onnx/index.ts',
  train: 'src/train/index.ts',
  explain: 'src/explain/index.ts',
  ascent: 'src/ascent/index.ts',
  image: 'src/image/index.ts',
};

export default defineConfig(({ mode }) =>
  mode === 'node'
    ? {
        // The command line and Node's own entry: dependencies stay in node_modules.
        build: {
          ssr: true,
          emptyOutDir: false,
          minify: false,
          target: 'node20',
          rollupOptions: { input: { cli: 'src/cli/main.ts', node: 'src/node/index.ts' } },
        },
        ssr: { external: Object.keys(dependencies) },
      }
    : {
        build: {
          lib: { entry: library, formats: ['es'] },
          target: 'es2022',
          rollupOptions: { external: [/^onnx-proto/] },
        },
      },
);
