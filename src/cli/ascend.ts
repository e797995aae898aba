/** `wgrad ascend`: draws what a channel, a neuron or a class responds to. */
import { join } from 'node:path';
import { ascend, channel, logit, neuron, type Objective } from '../ascent/index.ts';
import { WgradError } from '../errors.ts';
import { encodePng } from '../image/png.ts';
import { prepareFolder, writeWhole } from '../node/write.ts';
import type { Command } from './command.ts';
import { targetOf } from './explain.ts';
import { imageOf, modelOf, modelOption } from './model.ts';
import { fileName, numbered } from './names.ts';

/** `layer3.5:7`, `layer3.5:7@4,4` or `logit:dog`. @throws WgradError 'usage'. */
export function parseObjective(text: string): Objective {
  const [, name, index, at] = /^(.+):([^:@]+)(?:@(\d+,\d+))?$/.exec(text) ?? [];
  if (name === 'logit' && index !== undefined) return logit(targetOf(index)!);
  if (!name || !/^\d+$/.test(index ?? '')) {
    throw new WgradError('usage', `'${text}' names no unit`, {
      remedy: 'Write LAYER:CHANNEL, LAYER:CHANNEL@Y,X or logit:CLASS',
    });
  }
  if (!at) return channel(name, Number(index));
  const [y, x] = at.split(',').map(Number) as [number, number];
  return neuron(name, Number(index), y, x);
}

export const ascendCommand: Command = {
  summary: 'draw what units respond to',
  usage: '[--model FILE.onnx] UNIT...   (LAYER:CHANNEL, LAYER:CHANNEL@Y,X or logit:CLASS)',
  options: {
    ...modelOption,
    steps: { type: 'string', value: 'N', help: 'ascent steps', default: '128' },
    seed: { type: 'string', value: 'N', help: 'of the noise and the jitter', default: '0' },
    jitter: { type: 'string', value: 'PIXELS', help: 'the picture is rolled by up to this at each step', default: '8' },
    tv: { type: 'string', value: 'WEIGHT', help: 'total variation penalty', default: '0' },
    l2: { type: 'string', value: 'WEIGHT', help: 'L2 penalty', default: '0' },
    out: { type: 'string', value: 'DIR', help: 'folder for the PNGs', default: 'out/ascend' },
  },
  async run(c) {
    if (c.positionals.length === 0) throw new WgradError('usage', 'ascend: name at least one unit');
    const objectives = c.positionals.map((text) => [text, parseObjective(text)] as const);
    const out = c.text('out')!;
    await prepareFolder(out);
    const model = await modelOf(c);
    const files = numbered(objectives.map(([text]) => fileName(text)));
    const results = [];
    for (const [i, [text, objective]] of objectives.entries()) {
      const options = {
        objective,
        steps: c.number('steps'),
        seed: c.number('seed'),
        jitter: c.number('jitter'),
        totalVariation: c.number('tv'),
        l2: c.number('l2'),
        signal: c.signal,
      };
      const curve: number[] = [];
      let image: Float32Array | undefined;
      for await (const frame of ascend(model, options)) {
        curve.push(frame.objective);
        c.progress(text, frame.step, options.steps);
        if (frame.step === options.steps) image = await frame.image();
      }
      const file = join(out, `${files[i]}.png`);
      await writeWhole(file, await encodePng(imageOf(model, image!)));
      c.log(`${file}: ${text} from ${curve[0]!.toFixed(3)} to ${curve.at(-1)!.toFixed(3)}`);
      results.push({ unit: text, file, curve });
    }
    c.result(results);
  },
};
