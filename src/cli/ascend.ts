/** `wgrad ascend`: draws what a channel, a neuron or a class responds to. */
import { join } from 'node:path';
import { add, ascend, channel, l2, logit, neuron, totalVariation, type Objective } from '../ascent/index.ts';
import { jitter } from '../transforms/index.ts';
import { WgradError } from '../errors.ts';
import { encodePng } from '../image/png.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, count, finite, whole } from '../options.ts';
import { defineCommand } from './command.ts';
import { targetOf } from './explain_targets.ts';
import { outFolder } from './kinds.ts';
import { imageOf, modelOptions, networkOf, pictureModelOf } from './model.ts';
import { fileName, numbered } from './names.ts';

/** `layer3.5:7`, `layer3.5:7@4,4` or `logit:dog`. @throws WgradError 'usage'. */
export function parseObjective(text: string): { objective: Objective; layer?: string } {
  const [, name, index, at] = /^(.+):([^:@]+)(?:@(\d+,\d+))?$/.exec(text) ?? [];
  if (name === 'logit' && index !== undefined) return { objective: logit(targetOf(index)!) };
  if (!name || !/^\d+$/.test(index ?? '')) {
    throw new WgradError('usage', `'${text}' names no unit`, {
      remedy: 'Write LAYER:CHANNEL, LAYER:CHANNEL@Y,X or logit:CLASS',
    });
  }
  if (!at) return { layer: name, objective: channel(name, Number(index)) };
  const [y, x] = at.split(',').map(Number) as [number, number];
  return { layer: name, objective: neuron(name, Number(index), y, x) };
}

export const ascendCommand = defineCommand({
  summary: 'draw what units respond to',
  usage: '[--model FILE.onnx] UNIT...   (LAYER:CHANNEL, LAYER:CHANNEL@Y,X or logit:CLASS)',
  arity: [1, Infinity],
  options: {
    ...modelOptions,
    steps: atMost(100_000, count(128, 'ascent steps')),
    seed: finite(0, 'of the noise and the jitter'),
    jitter: atMost(10_000, whole(undefined, "crops by so many pixels at random, in place of Lucid's transforms")),
    tv: finite(0, 'weight of the total variation penalty'),
    l2: finite(0, 'weight of the L2 penalty'),
    out: outFolder('out/ascend', 'folder for the PNGs'),
  },
  async run(c, o) {
    const units = c.positionals.map((text) => ({ text, ...parseObjective(text) }));
    const network = await networkOf(c, o);
    for (const { layer } of units) if (layer !== undefined) network.resolve(layer);
    const model = await pictureModelOf(c, network);
    const files = numbered(units.map(({ text }) => fileName(text)));
    const results = [];
    for (const [i, { text, objective }] of units.entries()) {
      const { steps, seed } = o;
      const penalized = [totalVariation().times(-o.tv), l2().times(-o.l2)].filter((_, k) => [o.tv, o.l2][k] !== 0);
      const transforms = o.jitter === undefined ? undefined : [jitter(o.jitter)];
      const curve: number[] = [];
      let image: Float32Array | undefined;
      const run = ascend(model, {
        objective: add(objective, ...penalized),
        steps,
        seed,
        ...(transforms && { transforms }),
        signal: c.signal,
      });
      for await (const frame of run) {
        curve.push(frame.objective);
        c.progress(text, frame.step, steps);
        if (frame.step === steps) image = await frame.image();
      }
      const file = join(o.out, `${files[i]}.png`);
      await writeWhole(file, await encodePng(imageOf(model, image!)));
      c.print(`${file}: ${text} from ${curve[0]!.toFixed(3)} to ${curve.at(-1)!.toFixed(3)}`);
      results.push({ unit: text, file, curve });
    }
    c.result(results);
  },
});
