/** A headless Chromium with WebGPU, for tests and benchmarks: the machine's own, else the npm package's. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'puppeteer';
import { WgradError } from '../errors.ts';
import { findChromium } from './chromium.ts';
import { unpack } from './unpack.ts';

/** WebGPU on SwiftShader, and no traffic of the browser's own: it would wait for answers on a closed network. */
const flags = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  // A test that crashes the GPU process on purpose is given another one, as often as it likes.
  '--disable-domain-blocking-for-3d-apis',
  '--disable-gpu-process-crash-limit',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
];

interface Executable {
  path: string;
  env: Record<string, string | undefined>;
}

/** `true` when the dynamic linker finds every library that `file` asks for. */
function librariesFound(file: string, env: Record<string, string | undefined>): boolean {
  try {
    return !execFileSync('ldd', [file], { env: env as NodeJS.ProcessEnv, encoding: 'utf8' }).includes('not found');
  } catch {
    return false;
  }
}

/** The browser out of @sparticuz/chromium, with the system libraries and fonts that a bare machine lacks. */
async function carriedChromium(): Promise<Executable> {
  // SwiftShader and the Vulkan loader must lie beside the program.
  const folder = await unpack('chromium', ['chromium.br', 'swiftshader.tar.br', 'al2023.tar.br', 'fonts.tar.br']);
  const path = join(folder, 'chromium');
  const env: Record<string, string | undefined> = { ...process.env };
  if (!librariesFound(path, env)) {
    env['LD_LIBRARY_PATH'] = [join(folder, 'lib'), env['LD_LIBRARY_PATH']].filter(Boolean).join(':');
  }
  if (!existsSync('/etc/fonts/fonts.conf')) env['FONTCONFIG_PATH'] ??= folder;
  return { path, env };
}

/**
 * Starts the browser, with `more` flags; the caller closes it. WebGPU is offered on pages from http://localhost and https, not on about:blank.
 * @throws WgradError 'file-missing' when there is neither an installed Chromium nor the npm package, or when it does not start.
 */
export async function launchChromium(more: readonly string[] = []): Promise<Browser> {
  const installed = findChromium();
  const { path, env } = installed ? { path: installed, env: process.env } : await carriedChromium();
  // Drivers chosen for Dawn in this process are not the browser's: it brings its own SwiftShader.
  const clean = { ...env, VK_DRIVER_FILES: undefined, VK_ICD_FILENAMES: undefined };
  const { launch } = await import('puppeteer');
  const start = (extra: string[]) =>
    launch({
      executablePath: path,
      // The package holds headless_shell only; an installed browser takes its own headless mode.
      headless: installed ? true : 'shell',
      env: clean,
      args: [...flags, ...more, ...extra],
    });
  const isRoot = process.getuid?.() === 0;
  try {
    return await start(isRoot ? ['--no-sandbox'] : []).catch((error: Error) => {
      // Containers often forbid the namespaces that the sandbox is made of. The pages opened here are our own.
      if (!isRoot && /no usable sandbox/i.test(error.message)) return start(['--no-sandbox']);
      throw error;
    });
  } catch (cause) {
    throw new WgradError('file-missing', `${path} does not start: ${startFault(cause as Error)}`, {
      remedy: 'Install Chromium, or name one that runs in CHROME_PATH',
      cause,
    });
  }
}

/** The line of the browser's own that says why; puppeteer puts it below a heading. */
function startFault(error: Error): string {
  const lines = error.message.split('\n').map((line) => line.trim());
  return lines.find((line) => /FATAL|error while loading|cannot open/i.test(line)) ?? lines[0] ?? '';
}
