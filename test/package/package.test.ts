/** What `npm run build` makes, as other people's code imports it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { built, root } from './built.ts';

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
  beforeAll(async () => void (lib = await built()));
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
