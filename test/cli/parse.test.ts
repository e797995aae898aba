/** Options are checked from their table before anything is opened; each fault names the option and what it takes. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/cli/parse.ts';
import { commands } from '../../src/cli/run.ts';
import { command } from '../support/cli.ts';
import { packageVersion } from '../../src/node/package.ts';

const folder = mkdtempSync(join(tmpdir(), 'wgrad-parse-'));
afterAll(() => rmSync(folder, { recursive: true }));

const parse = (name: string, ...args: string[]) => parseCommand(name, commands.get(name)!, args);

/** A whole command in this process. None of those here may open an adapter: they have no time for it. */
const wgrad = (...args: string[]) => command(args);

describe('options', () => {
  it('arrive as what they are', () => {
    const { options, positionals } = parse('finetune', '--images', 'a', '--unfreeze', 'x,y', '--unfreeze', 'z', '--lr', '1e-3'); // prettier-ignore
    expect(options).toMatchObject({
      images: 'a',
      unfreeze: ['x', 'y', 'z'],
      lr: 0.001,
      epochs: 5,
      json: false,
      bn: 'eval',
    });
    expect(positionals).toEqual([]);
    expect(parse('classify', 'a.png', '--size', '224x320', '--json').options).toMatchObject({
      size: [224, 320],
      json: true,
    });
    expect(parse('explain', 'a.png').options).toMatchObject({ methods: [], steps: undefined });
  });

  it.each([
    ['finetune --images a --epochs 0', /--epochs 0: a whole number of at least 1/],
    ['finetune --images a --epochs -1', /--epochs/],
    ['finetune --images a --epochs 1.5', /--epochs 1.5/],
    ['finetune --images a --lr ', /--lr '': a positive number/],
    ['finetune --images a --lr NaN', /--lr NaN/],
    ['finetune --images a --lr 0', /--lr 0/],
    ['finetune --images a --batch 1e9', /--batch 1e9: .*65536/],
    ['finetune --images a --optimizer constructor', /--optimizer constructor: one of sgd \(momentum, .*\), adam \(/],
    ['finetune --images a --optimizer sgd:momentum=2', /--optimizer sgd:momentum=2: one of/],
    ['finetune --images a --schedule step:gamma', /--schedule step:gamma: one of .*step \(every, gamma, unit\)/],
    ['finetune --images a --bn sometimes', /--bn sometimes: one of eval, train, auto/],
    ['finetune', /--images DIR is needed/],
    ['finetune --images a b', /'b' is one argument too many/],
    ['ascend layer3:1 --steps 1e9', /--steps 1e9: .*100000/],
    ['ascend', /too few arguments/],
    ['explain a.png --methods grad-cam,saliency', /--methods grad-cam,saliency: one of gradient/],
    ['explain a.png --steps 0', /--steps 0/],
    ['classify a.png --top 0', /--top 0/],
    ['classify a.png --size 0x3', /--size 0x3/],
    ['classify a.png --adapter vulkan', /--adapter vulkan: one of gpu, lavapipe/],
    ['classify a.png --tpo 3', /Unknown option '--tpo'/],
    ['eval m.onnx --fetch x', /--out FILE is needed/],
    ['eval m.onnx --grad x --out /dev/shm/x', /--grad needs --wrt/],
    ['info a b', /'b' is one argument too many/],
    ['fetch a b', /too many/],
  ])('wgrad %s', async (line, message) => {
    const { code, out, err } = await wgrad(...line.split(' '));
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err).toMatch(/\[usage\]\n$/);
    expect(err).not.toMatch(/adapter:|\n {4}at /);
  });

  it('are told in the help of every command, with the exit codes', async () => {
    for (const name of commands.keys()) {
      const { code, out } = await wgrad(name, '--help');
      expect(code, name).toBe(0);
      expect(out).toMatch(/--json.*--verbose.*130 interrupted/s);
      expect((await wgrad('help', name)).out).toBe(out);
      for (const line of out.split('\n')) expect(line).not.toMatch(/undefined|\[object/);
    }
    expect((await wgrad('help')).out).toMatch(/finetune/);
    expect(await wgrad('--version')).toMatchObject({ code: 0, out: `wgrad ${packageVersion()}\n` });
    expect(await wgrad()).toMatchObject({ code: 2, out: '' });
    expect((await wgrad('help', 'explode')).code).toBe(2);
    expect((await wgrad('constructor')).err).toMatch(/no command 'constructor'/);
  });
});

describe('before an adapter is opened', () => {
  it('places that cannot be written to are named', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'old');
    for (const args of [
      ['explain', 'a.png', '--out', file],
      ['ascend', 'layer3:1', '--out', join(file, 'under')],
      ['finetune', '--images', folder, '--out', folder],
      ['eval', 'm.onnx', '--fetch', 'x', '--out', '/dev/full'],
      ['tour', '--out', '/proc/nothing'],
    ]) {
      const { code, err } = await wgrad(...args);
      expect([code, err], args.join(' ')).toEqual([1, expect.stringMatching(/\[file-write\]/)]);
      expect(err).not.toMatch(/adapter:/);
    }
    expect(readFileSync(file, 'utf8')).toBe('old');
  });

  it('layers, units, models and folders that are not there are named', async () => {
    const out = ['--out', join(folder, 'out')];
    for (const [args, message] of [
      [['explain', 'a.png', '--layer', 'layer77', ...out], /layer77.*\[unknown-name\]/],
      [['ascend', 'layer77:3', ...out], /layer77.*\[unknown-name\]/],
      [['ascend', 'layer3:nine', ...out], /layer3:nine.*\[usage\]/],
      [['classify', 'a.png', '--model', 'none.onnx'], /none\.onnx: no such file.*\[file-missing\]/],
      [['classify', 'a.png', '--model', '/dev/zero'], /\/dev\/zero: it is no regular file/],
      [['classify', 'a.png', '--labels', 'none.txt'], /none\.txt.*\[file-missing\]/],
      [['classify', join(folder, 'out')], /there is no picture in .*out.*\[dataset-empty\]/],
      [['finetune', '--images', 'nowhere', '--out', join(folder, 't.onnx')], /nowhere.*\[file-missing\]/],
      [['fetch', 'resnet51'], /resnet51.*\[unknown-name\]/],
    ] as const) {
      const { code, err } = await wgrad(...args);
      expect(err, args.join(' ')).toMatch(message);
      expect(err).not.toMatch(/adapter:/);
      expect(code).toBeGreaterThan(0);
    }
    expect(existsSync(join(folder, 't.onnx'))).toBe(false);
  });

  it('with --json, results and errors are JSON on standard output, and nothing else is', async () => {
    const list = await wgrad('fetch', '--json');
    expect([list.code, JSON.parse(list.out).models.length > 0]).toEqual([0, true]);
    const wrong = await wgrad('fetch', 'resnet51', '--json');
    expect(JSON.parse(wrong.out)).toEqual({
      error: { code: 'unknown-name', message: expect.stringContaining('resnet51') },
    });
  });
});
