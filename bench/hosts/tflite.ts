/** The network as LiteRT.js reads it: written by Python once for each network, and kept. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NetworkSource } from '../core/case.ts';
import { UsageError } from './options.ts';

const folder = fileURLToPath(new URL('../../out/bench/tflite', import.meta.url));
const script = fileURLToPath(new URL('../peers/tflite.py', import.meta.url));

/** @throws UsageError where there is no Python that can. */
export function tfliteOf({ sha256, bytes }: NetworkSource, log: (line: string) => void): Uint8Array {
  const file = join(folder, `${sha256.slice(0, 16)}.tflite`);
  if (!existsSync(file)) {
    const python = process.env['WGRAD_PYTHON'] ?? 'python3';
    log(`converting the network for LiteRT.js by ${python} (once a network): ${file}`);
    mkdirSync(folder, { recursive: true });
    const source = file.replace(/tflite$/, 'onnx');
    writeFileSync(source, bytes);
    try {
      execFileSync(python, [script, source, file], { stdio: ['ignore', 'ignore', 'pipe'] });
    } catch (error) {
      const why = String((error as { stderr?: Buffer }).stderr ?? error).trim().split('\n').at(-1); // prettier-ignore
      throw new UsageError(
        `bench: ${python} could not convert the network for LiteRT.js: ${why}; name one that has the packages onnx and tensorflow-cpu in WGRAD_PYTHON, or leave LiteRT.js out of --peers`,
      );
    }
  }
  return new Uint8Array(readFileSync(file));
}
