/** What `npm run build` makes, as other people's code imports it; and the README's lines, as the compiler sees them. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { built, root, tsc } from './built.ts';

const run = promisify(execFile);

interface Manifest {
  exports: Record<string, { types: string; default: string }>;
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
/** Those that are code. */
const exports = Object.fromEntries(Object.entries(manifest.exports).filter(([, target]) => typeof target === 'object'));

/** Everything that `file` imports, itself and directly or not: the package's own files, and other modules by name. */
function reached(file: string, files = new Set<string>(), modules = new Set<string>()) {
  if (files.has(file)) return { files, modules };
  files.add(file);
  for (const [, target] of readFileSync(file, 'utf8').matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^'";]*?["']([^'"]+)["']/g,
  )) {
    if (target!.startsWith('.')) reached(join(dirname(file), target!), files, modules);
    else modules.add(target!);
  }
  return { files, modules };
}

describe('the package', () => {
  let lib: string;
  beforeAll(async () => void (lib = await built('lib')));
  const at = (entry: string) => join(lib, exports[entry]!.default.replace('./dist/lib/', ''));

  it.each(Object.keys(exports).filter((entry) => entry !== './node'))(
    "'%s' is whole, and reaches nothing of Node's",
    (entry) => {
      const { files, modules } = reached(at(entry));
      expect(files.size).toBeGreaterThan(0);
      expect([...modules]).toEqual([]);
      // Charts are loaded where they are drawn alone.
      if (entry !== './watch') expect([...files].filter((file) => file.includes('/d3-'))).toEqual([]);
    },
  );

  it("'./node' reaches Node's own and no package: peers come when they are used", () => {
    const { modules } = reached(at('./node'));
    expect([...modules]).toEqual(expect.arrayContaining(['node:path']));
    for (const name of modules) expect(name).toMatch(/^node:/);
  });

  it('is one library through all its entries: an engine of one runs models of another', async () => {
    const script = `
      import { Engine, WgradError } from ${JSON.stringify(pathToFileURL(at('.')).href)};
      import { createEngine, loadOnnxFile } from ${JSON.stringify(pathToFileURL(at('./node')).href)};
      import { loadOnnx } from ${JSON.stringify(pathToFileURL(at('./onnx')).href)};
      import { readFileSync } from 'node:fs';
      const engine = await createEngine();
      const file = ${JSON.stringify(join(root, 'weights/shapes.onnx'))};
      const models = [await loadOnnx(engine, readFileSync(file)), await loadOnnxFile(engine, file)];
      const picture = Float32Array.from({ length: models[0].pictureShape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i));
      const logits = await Promise.all(models.map(async (m) => [...(await m.run(picture)).logits]));
      const error = await loadOnnxFile(engine, 'none.onnx').catch((e) => e);
      console.log(JSON.stringify({ own: engine instanceof Engine, coded: error instanceof WgradError, logits }));
      process.exit(0);`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: lib });
    const { own, coded, logits } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
      own: boolean;
      coded: boolean;
      logits: number[][];
    };
    expect({ own, coded }).toEqual({ own: true, coded: true });
    expect(logits[0]!.every(Number.isFinite)).toBe(true);
    expect(logits[1]).toEqual(logits[0]);
  });
});

/** What `npm create vite` (vanilla-ts) and `create-next-app` write, and what strict projects add to it. */
const strict = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: true, noEmit: true, types: [] }; // prettier-ignore
const templates = {
  vite: {
    target: 'ES2022',
    module: 'ESNext',
    lib: ['ES2022', 'DOM', 'DOM.Iterable'],
    moduleResolution: 'bundler',
    verbatimModuleSyntax: true,
    moduleDetection: 'force',
    useDefineForClassFields: true,
    strict: true,
    erasableSyntaxOnly: true,
    noFallthroughCasesInSwitch: true,
    noUncheckedSideEffectImports: true,
  },
  next: {
    target: 'ES2017',
    lib: ['dom', 'dom.iterable', 'esnext'],
    allowJs: true,
    strict: true,
    module: 'esnext',
    esModuleInterop: true,
    moduleResolution: 'bundler',
    resolveJsonModule: true,
    isolatedModules: true,
    jsx: 'react-jsx',
    incremental: false,
  },
};

describe("the README's ten lines", () => {
  const folder = join(root, 'out/test-readme');
  let types: string;

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    const [, lines] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))!;
    const given = `import type { Dataset } from 'wgrad/train';
declare const pixels: Float32Array, picture: Float32Array, dataset: Dataset;
declare function show(image: object): void;
`;
    writeFileSync(join(folder, 'lines.ts'), given + lines);
    types = await built('types');
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(Object.keys(templates) as (keyof typeof templates)[])('compile as an app of %s has them', async (name) => {
    const paths = Object.entries(exports).map(([entry, target]) => [
      join('wgrad', entry),
      [target.types.replace('./dist/types', types)],
    ]);
    const compilerOptions = { ...templates[name], ...strict, paths: Object.fromEntries(paths) };
    writeFileSync(join(folder, `${name}.json`), JSON.stringify({ compilerOptions, include: ['lines.ts'] }));
    expect(await tsc('-p', join(folder, `${name}.json`))).toBe('');
  });
});
