import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';
import { deferred } from './scripts/defer.ts';

const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { peerDependencies: object };

/** What d3-scale and d3-shape are made of; of it the build takes what is used. */
const charting = [
  'd3-array',
  'd3-color',
  'd3-format',
  'd3-interpolate',
  'd3-path',
  'd3-scale',
  'd3-shape',
  'internmap',
];

/**
 * Of protobufjs the package carries the reader and the writer (src/onnx/proto.ts, export.ts), as modules: a page's bundler
 * can drop either, and Node's `require` is not brought along. Their utilities are cut to what the two use; Long,
 * services and base64 stay behind.
 */
const leanProtobuf: Plugin = {
  name: 'lean-protobufjs',
  transform(code, id) {
    if (!id.includes('/protobufjs/src/')) return null;
    // These files go without source maps.
    const map = { mappings: '' } as const;
    if (id.endsWith('/util/minimal.js')) {
      const lean = `import LongBits from './longbits.js';
import utf8 from './utf8.js';
import float from './float.js';
import pool from './pool.js';
const isString = (value) => typeof value === 'string';
export default { LongBits, utf8, float, pool, isString, merge: Object.assign, recursionLimit: 100 };`;
      return { code: lean, map };
    }
    const imports: string[] = [];
    const body = code.replace(/require\("([^"]+)"\)/g, (_, from: string) => {
      // The 64-bit halves name the utilities that hold them, and use none.
      if (id.endsWith('/longbits.js')) return '{}';
      imports.push(`import required${imports.length} from '${from}.js';`);
      return `required${imports.length - 1}`;
    });
    const module = `${imports.join('\n')}
const module = { exports: {} };
const exports = module.exports;
${body}
export default module.exports;`;
    return { code: module, map };
  },
};

/** Files whose methods and async functions a page loads when it first calls them. */
const later = [
  'explain/methods/\\w+',
  'explain/metrics/(fidelity|infidelity|randomization|removal|road)',
  'explain/(mask_game|noise_tunnel|robustness/attack|robustness/smallest|shapley/game|trust/run)',
  'explain/segments/(felzenszwalb|index|of_model|quickshift|slic)',
  'explain/figures/(html|render|svg)',
  'train/(evaluate|find_lr|fit|step_graph)',
  'ascent/(dream|examples|groups)',
];

/** The licences of what is carried, beside it. */
const licences: Plugin = {
  name: 'licences',
  generateBundle() {
    const texts = ['onnx-proto', 'protobufjs', ...charting].map(
      (name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8')}`,
    );
    this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY.txt', source: texts.join(`\n${'-'.repeat(80)}\n\n`) });
  },
};

/**
 * Parts that go without source maps, which would be half of what an install takes: the command and Node's, what is
 * carried, generated code, and beside the core what reads in its JavaScript as it does in its source.
 */
const UNMAPPED = /^(cli|launcher|node|vendor|explain|ascent|watch|report|tensorboard|data)[./]|\.gen\.js$/;

const leanMaps: Plugin = {
  name: 'lean-maps',
  generateBundle(_, bundle) {
    for (const [name, part] of Object.entries(bundle)) {
      if (part.type !== 'chunk' || !UNMAPPED.test(name)) continue;
      part.code = part.code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
      delete bundle[`${name}.map`];
    }
  },
};

/**
 * One build of all entries, with common code in common chunks: an engine of 'wgrad/node' must know the ops and the
 * classes of 'wgrad' as its own. `ssr` only means that peers and Node's modules stay imports; which entries may reach
 * Node's is asserted in test/package/package.test.ts.
 */
export default defineConfig({
  plugins: [leanProtobuf, leanMaps, deferred(new RegExp(`/src/(${later.join('|')})\\.ts$`)), licences],
  build: {
    outDir: 'dist/lib',
    ssr: true,
    target: 'es2022',
    minify: false,
    sourcemap: true,
    rollupOptions: {
      input: {
        index: 'src/index.ts',
        onnx: 'src/onnx/index.ts',
        train: 'src/train/index.ts',
        explain: 'src/explain/index.ts',
        ascent: 'src/ascent/index.ts',
        image: 'src/image/index.ts',
        tensorboard: 'src/tensorboard/index.ts',
        watch: 'src/watch/index.ts',
        transforms: 'src/transforms/index.ts',
        browser: 'src/browser/index.ts',
        worker: 'src/worker/index.ts',
        'worker/thread': 'src/worker/thread.ts',
        node: 'src/node/index.ts',
        cli: 'src/cli/main.ts',
        launcher: 'src/cli/launcher.ts',
        'node/picture_worker': 'src/node/picture_worker.ts',
      },
      // File by file, so that a page's bundler leaves out what the page does not import. (npm packs no node_modules.)
      output: {
        preserveModules: true,
        preserveModulesRoot: 'src',
        entryFileNames: ({ name }) => `${name.replace(/^.*node_modules\//, 'vendor/')}.js`,
      },
    },
  },
  ssr: { external: Object.keys(peerDependencies), noExternal: ['protobufjs', /^d3-/, 'internmap'] },
});
