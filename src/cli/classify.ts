/** `wgrad classify IMAGE...`: the most likely classes. */
import { WgradError } from '../errors.ts';
import type { Command } from './command.ts';
import { labelOf, modelOf, modelOption, openPicture } from './model.ts';
import { softmaxOf, topClasses } from './scores.ts';

export const classifyCommand: Command = {
  summary: 'print the most likely classes of pictures',
  usage: '[--model FILE.onnx] IMAGE...',
  options: { ...modelOption, top: { type: 'string', value: 'K', help: 'classes to print', default: '5' } },
  async run(c) {
    if (c.positionals.length === 0) throw new WgradError('usage', 'classify: name at least one picture');
    const model = await modelOf(c);
    const results = [];
    for (const path of c.positionals) {
      c.signal.throwIfAborted();
      const { input } = await openPicture(model, path);
      const logits = (await model.run(input))[model.network.outputs[0]!]!;
      const probabilities = softmaxOf(logits);
      const top = topClasses(logits, c.number('top')).map((index) => ({
        index,
        label: labelOf(model, index),
        logit: logits[index]!,
        probability: probabilities[index]!,
      }));
      c.log(path);
      for (const t of top) c.log(`  ${(100 * t.probability).toFixed(1).padStart(5)} %  ${t.label}`);
      results.push({ path, top });
    }
    c.result(results);
  },
};
