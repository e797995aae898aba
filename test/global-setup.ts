/** Before the run: finds out, once, which adapter the tests use, prints it, and hands the choice to every test file. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import type { AdapterChoice } from '../src/node/adapter.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Undefined where no adapter was found, or where VK_DRIVER_FILES decides. */
    adapterChoice: AdapterChoice | undefined;
  }
}

const script = `
  const { openAdapter } = await import(${JSON.stringify(new URL('../src/node/adapter.ts', import.meta.url).href)});
  const opened = await openAdapter().catch((error) => ({ description: 'none: ' + error.message }));
  console.log(JSON.stringify({ description: opened.description, kind: opened.kind }));
  process.exit(0);`;

export default async function setup(project: TestProject): Promise<void> {
  // In a process of its own: the one that runs vitest stays free of drivers, and of their faults.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { cwd: fileURLToPath(new URL('..', import.meta.url)) },
  );
  const { description, kind } = JSON.parse(stdout) as { description: string; kind?: AdapterChoice };
  console.log(`adapter: ${description}`);
  const userDecides = Boolean(process.env['VK_DRIVER_FILES'] || process.env['VK_ICD_FILENAMES']);
  project.provide('adapterChoice', userDecides ? undefined : kind);
}
