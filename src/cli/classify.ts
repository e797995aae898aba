/** `wgrad classify IMAGE...`: the most likely classes. */
import { WgradError } from '../errors.ts';
import type { Command } from './command.ts';
import { modelOf, modelOption, openPicture } from './model.ts';

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
      const top = await model.classify(input, { top: c.number('top') });
      c.log(path);
      for (const t of top) c.log(`  ${(100 * t.probability).toFixed(1).padStart(5)} %  ${t.label}`);
      results.push({ path, top });
    }
    c.result(results);
  },
};
