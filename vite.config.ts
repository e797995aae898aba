import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { peerDependencies: object };

/**
 * Of protobufjs the package carries the reader and the writer (proto.ts, proto_write.ts). What its utilities load for
 * everything else (Long, services, base64) is left out.
 */
const leanProtobuf: Plugin = {
  name: 'lean-protobufjs',
  enforce: 'pre',
  resolveId: (id, from) =>
    from?.includes('/protobufjs/src/') && /^(long|\.\/(aspromise|base64|eventemitter))$/.test(id) ? '\0empty' : null,
  load: (id) => (id === '\0empty' ? 'module.exports = null;' : null),
};

/** The licences of what is carried, beside it. */
const licences: Plugin = {
  name: 'licences',
  generateBundle() {
    const texts = ['onnx-proto', 'protobufjs'].map(
      (name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8')}`,
    );
    this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY.txt', source: texts.join(`\n${'-'.repeat(80)}\n\n`) });
  },
};

/**
 * One build of all entries, with common code in common chunks: an engine of 'wgrad/node' must know the ops and the
 * classes of 'wgrad' as its own. `ssr` only means that peers and Node's modules stay imports; which entries may reach
 * Node's is asserted in test/package/package.test.ts.
 */
export default defineConfig({
  plugins: [leanProtobuf, licences],
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
        browser: 'src/browser/index.ts',
        node: 'src/node/index.ts',
        cli: 'src/cli/main.ts',
      },
      // File by file, so that a page's bundler leaves out what the page does not import. (npm packs no node_modules.)
      output: {
        preserveModules: true,
        preserveModulesRoot: 'src',
        entryFileNames: ({ name }) => `${name.replace(/^.*node_modules\//, 'vendor/')}.js`,
      },
    },
  },
  ssr: { external: Object.keys(peerDependencies), noExternal: ['protobufjs'] },
});
