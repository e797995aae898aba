/** The command as a person meets it: results, exit codes, and an error that names the culprit for each bad input. */
import { execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shapePictures, SIDE } from '../../src/data/shapes.ts';
import { encodePng } from '../../src/image/png.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts';
import { command } from '../support/cli.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const embedded = join(root, 'weights/shapes.onnx');

const wgrad = (...args: string[]) => command(args);

describe('wgrad', { timeout: 300_000 }, () => {
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

  it('classifies and explains to JSON and PNG', async () => {
    const { code, out } = await wgrad('classify', '--json', picture);
    expect(code).toBe(0);
    const [first] = JSON.parse(out) as { top: { label: string; probability: number }[] }[];
    expect(first!.top).toHaveLength(5);
    const explained = await wgrad(
      'explain',
      '--json',
      '--methods',
      'integrated-gradients',
      '--steps',
      '8',
      '--out',
      folder,
      picture,
    );
    const [a] = JSON.parse(explained.out) as { file: string; error: { relativeGap: number } }[];
    expect(existsSync(a!.file)).toBe(true);
    expect(Number.isFinite(a!.error.relativeGap)).toBe(true);
  });

  it('prints the layer tree without a device', async () => {
    const { code, out, err } = await wgrad('info', '--adapter', 'gpu');
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/layer4\.0\s+Block\s+\[1,192,8,8\]/);
    expect((await wgrad('classify', '--adapter', 'gpu', picture)).err).toMatch(/gpu/);
  });

  it('tunes a model: a row a problem, what won, and how far off it is', async () => {
    const tiny = fileURLToPath(new URL('../fixtures/train/tiny.onnx', import.meta.url));
    const { code, out } = await wgrad('tune', tiny);
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^layer +role +rows x cols x sum +winner +GFLOP\/s +gain +error$/);
    expect(lines[1]).toMatch(
      /^\S+ +forward +\d+ x \d+ x \d+ +(subgroup|narrow|tile) \d+x\d+.* [\d.]+ +[\d.]+ x +\de-\d+|0e\+0$/,
    );
    expect(lines.at(-1)).toMatch(/^\d+ problems, \d+ measured, mean gain \d+\.\d\d x$/);
  });

  it('profiles a step: layers, roles, a trace', async () => {
    const file = join(folder, 'trace.json');
    const { code, out } = await wgrad('profile', '--train', 'fc', '--rounds', '1', '--json', '--trace', file);
    expect(code).toBe(0);
    const { dispatches } = JSON.parse(out) as { dispatches: { name: string; role: string; ms: number }[] };
    const of = (role: string) => dispatches.filter((d) => d.role === role);
    expect(of('forward').map((d) => d.name)).toContain('layer2.0.conv1');
    expect(of('weight-gradient').map((d) => d.name)).toContain('fc');
    expect(of('update').length).toBeGreaterThan(0);
    const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: { name: string }[] };
    expect(traceEvents.map((e) => e.name)).toContain('layer2.0.conv1');
    const lines = (await wgrad('profile', '--rounds', '1', '--by', 'role')).out.trimEnd().split('\n');
    expect(lines[1]).toMatch(/^layer +role +kernel +groups +ms +share +GFLOP\/s +GB\/s$/);
    expect(lines[2]).toMatch(/^\d+ layers +forward/);
    expect(lines).toHaveLength(4);
  });

  it('fine-tunes on folders and writes a model with the new classes', async () => {
    const tuned = join(folder, 'tuned.onnx');
    const [logdir, report] = [join(folder, 'runs'), join(folder, 'report.html')];
    const args = ['--images', join(folder, 'images'), '--epochs', '1', '--batch', '3', '--out', tuned];
    const { code, out } = await wgrad(
      'finetune',
      ...args,
      '--logdir',
      logdir,
      '--report',
      report,
      '--watch-steps',
      '2',
    );
    expect(code).toBe(0);
    expect(readdirSync(logdir).filter((name) => name.includes('tfevents'))).toHaveLength(1);
    expect(readFileSync(report, 'utf8').includes('Confusion')).toBe(true);
    expect(out).toMatch(/held-out accuracy/);
    const network = await importOnnx(readFileSync(tuned));
    expect(JSON.parse(network.metadata.get('labels')!)).toEqual(['heart', 'hexagon']);
  });

  it('evaluates a model on folders of its classes, and says what it cannot use', async () => {
    const { out: tuned, report } = { out: join(folder, 'tuned.onnx'), report: join(folder, 'evaluation.html') };
    writeFileSync(join(folder, 'images/heart/broken.png'), readFileSync(picture).subarray(0, 200));
    const { code, out, err } = await wgrad('evaluate', tuned, '--images', join(folder, 'images'), '--report', report);
    rmSync(join(folder, 'images/heart/broken.png'));
    expect(code).toBe(0);
    expect(err).toMatch(/1 file was left out: .*broken\.png/);
    expect(out).toMatch(/8 pictures of 2 classes\naccuracy [\d.]+ %, loss/);
    expect(out).toMatch(/heart +[\d.]+ % +[\d.]+ % +[\d.]+ % +4\n/);
    expect(
      readFileSync(report, 'utf8').includes('Worst mistakes') || readFileSync(report, 'utf8').includes('None on these'),
    ).toBe(true);
    const json = await wgrad('evaluate', tuned, '--images', join(folder, 'images'), '--json');
    expect(JSON.parse(json.out)).toMatchObject({ pictures: 8, classes: ['heart', 'hexagon'] });
    const other = await wgrad('evaluate', '--images', join(folder, 'images'));
    expect(other).toMatchObject({ code: 1, err: expect.stringMatching(/no class 'heart'.*unknown-name/s) });
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
    expect(readdirSync(folder).filter((f) => f.endsWith('.tmp'))).toEqual([]);
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
    expect([code, err]).toEqual([0, expect.not.stringMatching(/wgrad:/)]);
    const file = decodeSafetensors(readFileSync(out), 'out');
    expect([...file.names].sort()).toEqual(['grad/conv1.weight', 'grad/input', 'layer3', 'logits']);
    expect(file.read('grad/conv1.weight').shape).toEqual([16, 3, 3, 3]);
  });

  it('goes on where one picture of several is broken, and counts and names what it left out', async () => {
    const mixed = join(folder, 'mixed');
    mkdirSync(join(mixed, 'below'), { recursive: true });
    copyFileSync(picture, join(mixed, 'a.png'));
    copyFileSync(picture, join(mixed, 'below/b.jfif'));
    writeFileSync(join(mixed, 'c.png'), readFileSync(picture).subarray(0, 300));
    writeFileSync(join(mixed, 'notes.txt'), 'no picture');
    writeFileSync(join(mixed, '._a.png'), 'hidden');
    const { code, out, err } = await wgrad('classify', '--json', mixed);
    const rows = JSON.parse(out) as { path: string; top?: unknown[]; error?: { code: string } }[];
    expect(rows.map((r) => [r.path.slice(mixed.length + 1), r.top?.length, r.error?.code])).toEqual([
      ['a.png', 5, undefined],
      ['below/b.jfif', 5, undefined],
      ['c.png', undefined, 'image-decode'],
    ]);
    expect(code).toBe(1);
    expect(err).toMatch(/1 file was left out: .*notes\.txt \(no picture\)/);
    expect(err).toMatch(/1 of 3 pictures could not be read: .*c\.png.*\[image-decode\]/);
    expect(err).not.toContain('._a');
  });

  it('gives pictures of the same name in different folders files of their own', async () => {
    const [out, two] = [join(folder, 'same'), ['heart', 'hexagon'].map((f) => join(folder, 'same-in', f, '1.png'))];
    for (const path of two) {
      mkdirSync(dirname(path), { recursive: true });
      copyFileSync(picture, path);
    }
    const explained = await wgrad('explain', '--methods', 'gradient', '--out', out, ...two);
    expect([explained.code, readdirSync(out).sort()]).toEqual([
      0,
      ['heart', 'hexagon'].flatMap((name) => ['gradient.png', 'png', 'svg'].map((end) => `${name}-1.${end}`)).concat('index.html'), // prettier-ignore
    ]);
    for (const path of two) expect(explained.out).toContain(`: ${path}, gradient`);
  });

  it('leaves its old output whole where the disk is full', async ({ skip }) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      return skip('a small disk needs the right to mount one');
    }
    try {
      const kept = ['0.gradient.png', 'checkpoint', 'out.safetensors'].map((name) => join(disk, name));
      const tensors = kept[2]!;
      for (const file of kept) writeFileSync(file, 'old');
      const input = join(folder, 'full.safetensors');
      writeFileSync(
        input,
        encodeSafetensors({ x: { shape: [1, 3, SIDE, SIDE], data: new Float32Array(3 * SIDE ** 2) } }),
      );
      for (const args of [
        ['explain', '--methods', 'gradient', '--out', disk, picture],
        ['eval', embedded, '--feed', `input=${input}:x`, '--fetch', 'layer3', '--out', tensors],
        [
          'finetune',
          '--images',
          join(folder, 'images'),
          '--epochs',
          '1',
          '--batch',
          '3',
          '--out',
          join(disk, 'tuned.onnx'),
        ],
        [
          ...['finetune', '--images', join(folder, 'images'), '--epochs', '1', '--batch', '3', '--unfreeze', 'layer4'],
          ...['--out', join(folder, 'elsewhere.onnx'), '--checkpoint', join(disk, 'checkpoint')],
        ],
      ]) {
        const { code, err } = await wgrad(...args);
        expect([code, err], args[0]).toEqual([1, expect.stringMatching(/disk.*: the disk is full .*\[disk-full\]\n$/)]);
      }
      expect(readdirSync(disk).sort()).toEqual(['0.gradient.png', 'checkpoint', 'out.safetensors']);
      for (const file of kept) expect(readFileSync(file, 'utf8')).toBe('old');
    } finally {
      execFileSync('umount', [disk]);
    }
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
    writeFileSync(poisoned, await network.save(values, network.metadata));
    mkdirSync(join(folder, 'holes/empty'), { recursive: true });
    const cases: [string[], RegExp][] = [
      [['classify', 'missing.png'], /missing\.png.*\[file-missing\]/],
      [['classify', text], /notes\.jpg.*\[image-decode\]/],
      [['classify', '--model', truncated, picture], /cut\.onnx.*\[onnx-(parse|invalid)\]/s],
      [['classify', '--model', poisoned, picture], /fc\.bias.*\[not-finite\]/],
      [['finetune', '--images', join(folder, 'holes')], /empty.*\[dataset-empty\]/],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await wgrad(...args);
      expect(err, args.join(' ')).toMatch(message);
      expect(code).toBeGreaterThan(0);
    }
  });
});
