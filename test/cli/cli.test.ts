/** The command as a person meets it: results, exit codes, and an error that names the culprit for each bad input. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shapePictures, SIDE } from '../../src/data/shapes.ts';
import { encodePng } from '../../src/image/png.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const embedded = join(root, 'weights/shapes.onnx');

interface Outcome {
  code: number;
  out: string;
  err: string;
}

const wgrad = (...args: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    const command = ['--import', 'tsx', join(root, 'src/cli/main.ts'), ...args];
    execFile(process.execPath, command, { cwd: root }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err }),
    );
  });

// Every command is a process of its own, with a driver to start: slow where cores are few and busy.
describe('wgrad', { timeout: 600_000 }, () => {
  let folder: string;
  let picture: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wgrad-cli-'));
    for (const [i, p] of shapePictures('cli', 8, ['heart', 'hexagon']).entries()) {
      const dir = join(folder, 'images', p.label ? 'hexagon' : 'heart');
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, `${i}.png`), await encodePng({ width: SIDE, height: SIDE, data: p.pixels }));
    }
    picture = join(folder, 'images/heart/0.png');
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it('lists its commands, and helps with each', async () => {
    const { code, out } = await wgrad('--help');
    expect(code).toBe(0);
    expect(out).toMatch(/finetune/);
    const help = await wgrad('explain', '--help');
    expect(help.out).toMatch(/--method/);
    expect((await wgrad('explode')).code).toBe(2);
  });

  it('classifies and explains to JSON and PNG', async () => {
    const { code, out } = await wgrad('classify', '--json', picture);
    expect(code).toBe(0);
    const [first] = JSON.parse(out) as { top: { label: string; probability: number }[] }[];
    expect(first!.top).toHaveLength(5);
    const explained = await wgrad(
      'explain',
      '--json',
      '--method',
      'integrated-gradients',
      '--steps',
      '8',
      '--out',
      folder,
      picture,
    );
    const [a] = JSON.parse(explained.out) as { file: string; completeness: { relativeGap: number } }[];
    expect(existsSync(a!.file)).toBe(true);
    expect(Number.isFinite(a!.completeness.relativeGap)).toBe(true);
  });

  it('prints the layer tree', async () => {
    const { out } = await wgrad('info');
    expect(out).toMatch(/layer4\.0\s+Block\s+\[1,192,8,8\]/);
  });

  it('fine-tunes on folders and writes a model with the new classes', async () => {
    const tuned = join(folder, 'tuned.onnx');
    const args = ['--images', join(folder, 'images'), '--epochs', '1', '--batch', '3', '--out', tuned];
    const { code, out } = await wgrad('finetune', ...args);
    expect(code).toBe(0);
    expect(out).toMatch(/held-out accuracy/);
    const network = await importOnnx(readFileSync(tuned));
    expect(JSON.parse(network.metadata.get('labels')!)).toEqual(['heart', 'hexagon']);
  });

  it('leaves a usable model after Ctrl-C', async () => {
    const tuned = join(folder, 'interrupted.onnx');
    const args = ['finetune', '--images', join(folder, 'images'), '--epochs', '1000', '--batch', '3', '--out', tuned];
    const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'src/cli/main.ts'), ...args], { cwd: root });
    let out = '';
    child.stdout.on('data', (part) => {
      out += part;
      if (/epoch 2:/.test(out)) child.kill('SIGINT');
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(130);
    expect(out).toMatch(/interrupted\.onnx written, as of the last whole step/);
    expect(existsSync(`${tuned}.part`)).toBe(false);
    const classified = await wgrad('classify', '--json', '--model', tuned, picture);
    expect(JSON.parse(classified.out)[0].top[0].label).toMatch(/heart|hexagon/);
  });

  it('evaluates values and gradients to safetensors', async () => {
    const input = join(folder, 'in.safetensors');
    const out = join(folder, 'out.safetensors');
    const data = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => Math.sin(i));
    writeFileSync(input, encodeSafetensors({ x: { shape: [1, 3, SIDE, SIDE], data } }));
    const args = ['--feed', `input=${input}:x`, '--fetch', 'logits,layer3', '--grad', 'mean(layer3[:,7])', '--wrt', 'conv1.weight,input', '--out', out]; // prettier-ignore
    const { code, err } = await wgrad('eval', embedded, ...args);
    expect(err).not.toMatch(/wgrad:/);
    expect(code).toBe(0);
    const file = decodeSafetensors(readFileSync(out), 'out');
    expect([...file.names].sort()).toEqual(['grad/conv1.weight', 'grad/input', 'layer3', 'logits']);
    expect(file.read('grad/conv1.weight').shape).toEqual([16, 3, 3, 3]);
  });

  it('names the culprit of every bad input', async () => {
    const text = join(folder, 'notes.jpg');
    writeFileSync(text, 'not a picture');
    const truncated = join(folder, 'cut.onnx');
    writeFileSync(truncated, readFileSync(embedded).subarray(0, 5000));
    const poisoned = join(folder, 'nan.onnx');
    const network = await importOnnx(readFileSync(embedded));
    const values = new Map([...network.parameters].map(([name, p]) => [name, p.variable.initial.slice()]));
    values.get('fc.bias')![0] = NaN;
    writeFileSync(poisoned, network.save(values, network.metadata));
    mkdirSync(join(folder, 'holes/empty'), { recursive: true });
    const cases: [string[], RegExp][] = [
      [['classify', 'missing.png'], /missing\.png.*\[file-missing\]/],
      [['classify', text], /notes\.jpg.*\[image-decode\]/],
      [['classify', '--model', truncated, picture], /cut\.onnx.*\[onnx-(parse|invalid)\]/s],
      [['classify', '--model', poisoned, picture], /fc\.bias.*\[not-finite\]/],
      [['finetune', '--images', join(folder, 'holes')], /empty.*\[dataset-empty\]/],
      [['explain', '--layer', 'layer77', picture], /layer77.*\[unknown-name\]/],
      [['ascend', 'layer3:nine'], /layer3:nine.*\[usage\]/],
      [['fetch', 'resnet51'], /resnet51.*\[unknown-name\]/],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await wgrad(...args);
      expect(err, args.join(' ')).toMatch(message);
      expect(code).toBeGreaterThan(0);
    }
  });
});
