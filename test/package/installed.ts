/** The package as an app has it in its node_modules, built from the sources that are there now. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, type Rollup } from 'vite';
import { built, root } from './built.ts';

export { root };

const run = promisify(execFile);

/** What `npm pack` takes beside the build. */
const FILES = ['package.json', 'README.md', 'LICENSE', 'bin', 'weights'];

/** A folder with `node_modules/wgrad` in it: what `npm pack` makes of the checkout, as `npm install` lays it out. */
export async function installed(name: string): Promise<string> {
  const folder = join(root, 'out', name);
  rmSync(folder, { recursive: true, force: true });
  const [source, target] = [join(folder, 'checkout'), join(folder, 'node_modules/wgrad')];
  mkdirSync(target, { recursive: true });
  // Without one of its own the app would be part of the checkout's package.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  for (const file of FILES) cpSync(join(root, file), join(source, file), { recursive: true });
  cpSync(await built(), join(source, 'dist/lib'), { recursive: true });
  if (existsSync(join(root, 'dist/types'))) cpSync(join(root, 'dist/types'), join(source, 'dist/types'), { recursive: true }); // prettier-ignore
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--offline'], { cwd: source });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await run('tar', ['-xzf', join(source, filename), '-C', target, '--strip-components=1']);
  rmSync(source, { recursive: true });
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
