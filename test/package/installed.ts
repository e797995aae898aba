/** The package as an app has it in its node_modules, built from the sources that are there now. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Rollup } from 'vite';
import { built, root } from './built.ts';

export { root };

/** A folder with `node_modules/wgrad` in it. */
export async function installed(name: string): Promise<string> {
  const folder = join(root, 'out', name);
  rmSync(folder, { recursive: true, force: true });
  const target = join(folder, 'node_modules/wgrad');
  mkdirSync(target, { recursive: true });
  // Without one of its own the app would be part of the checkout's package.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  cpSync(join(root, 'package.json'), join(target, 'package.json'));
  cpSync(await built(), join(target, 'dist/lib'), { recursive: true });
  return folder;
}

export interface App {
  /** Where it can be served from. */
  folder: string;
  /** What a page loads before its first line runs. */
  initial: Rollup.OutputChunk[];
  /** What it loads when it needs it. */
  deferred: Rollup.OutputChunk[];
}

/** A vite app as vite's template sets it up, whose main module is `entry`. */
export async function buildApp(folder: string, entry: string): Promise<App> {
  const app = join(folder, entry);
  cpSync(fileURLToPath(new URL('app', import.meta.url)), app, { recursive: true });
  writeFileSync(join(app, 'main.ts'), `import './${entry}.ts';\n`);
  const { output } = (await build({ root: app, configFile: false, logLevel: 'error' })) as Rollup.RollupOutput;
  const chunks = output.filter((part) => part.type === 'chunk');
  const initial = new Set(chunks.filter((chunk) => chunk.isEntry));
  for (const chunk of initial)
    for (const name of chunk.imports) {
      const imported = chunks.find(({ fileName }) => fileName === name);
      if (imported) initial.add(imported);
    }
  return { folder: join(app, 'dist'), initial: [...initial], deferred: chunks.filter((c) => !initial.has(c)) };
}
