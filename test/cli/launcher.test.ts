/** The process beside the command: with a program in the command's place that behaves badly. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const launcher = fileURLToPath(new URL('../../src/cli/launcher.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wgrad-launcher-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `program` under the launcher; interrupts it each time that it says `ready` or, later, after a while. */
function launched(program: string, interrupts = 0, args: string[] = []) {
  const file = join(folder, `${Math.random()}.mjs`);
  writeFileSync(file, program);
  const code = `import { launch } from ${JSON.stringify(launcher)}; launch(${JSON.stringify(file)}, ${JSON.stringify(args)});`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code]);
  const seen = { out: '', err: '' };
  child.stderr.on('data', (text) => void (seen.err += text));
  child.stdout.on('data', (text) => {
    seen.out += text;
    if (interrupts-- > 0) child.kill('SIGINT');
    if (interrupts-- > 0) setTimeout(() => child.kill('SIGINT'), 300);
  });
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (status) => resolve({ code: status, ...seen })),
  );
}

describe('the launcher', () => {
  it('passes results, exit code and messages on, but for the two lines of noise', async () => {
    const program = `
      console.error('Warning: maxDynamicStorageBuffersPerPipelineLayout artificially reduced from 9 to 8 to fit dynamic offset allocation limit.');
      console.error('Warning: another');
      console.log('result');
      process.exitCode = 7;`;
    expect(await launched(program)).toEqual({ code: 7, out: 'result\n', err: 'Warning: another\n' });
    expect((await launched(program, 0, ['--verbose'])).err).toMatch(/maxDynamic.*another/s);
  });

  it('lets a program end in its own way at the first Ctrl-C', async () => {
    const program = `
      process.on('SIGTERM', () => { console.log('saved'); process.exit(130); });
      setInterval(() => undefined, 1000);
      console.log('ready');`;
    expect(await launched(program, 1)).toMatchObject({ code: 130, out: 'ready\nsaved\n' });
  });

  it('ends a program that is busy, as in native code, at the second', async () => {
    expect(await launched(`console.log('ready'); for (;;);`, 2)).toMatchObject({ code: 130, out: 'ready\n' });
  });

  it('says so where the program is taken down', async () => {
    const { code, err } = await launched(`process.kill(process.pid, 'SIGSEGV'); setInterval(() => undefined, 1000);`);
    expect(code).toBe(3);
    expect(err).toMatch(/ended by SIGSEGV.*Try another adapter.*\[crashed\]/);
  });
});
