/** `wgrad classify IMAGE...`: the most likely classes. */
import { count } from '../options.ts';
import { defineCommand } from './command.ts';
import { modelFirst, modelOptions, networkOf, pictureModelOf } from './model.ts';
import { pictureOptions, Pictures } from './pictures.ts';

export const classifyCommand = defineCommand({
  summary: 'print the most likely classes of pictures',
  usage: '[MODEL.onnx] IMAGE|FOLDER...',
  arity: [1, Infinity],
  options: { ...modelOptions, ...pictureOptions, top: count(5, 'classes to print') },
  async run(c, o) {
    const { choice, others } = modelFirst(c, o);
    const pictures = await Pictures.find(c, o, others);
    const model = await pictureModelOf(c, await networkOf(c, choice));
    const results: object[] = [];
    await pictures.each(c, model, async ({ path, input }) => {
      const top = await model.classify(input, { top: Math.min(o.top, model.classes) });
      c.print(path);
      for (const t of top) c.print(`  ${(100 * t.probability).toFixed(1).padStart(5)} %  ${t.label}`);
      results.push({ path, top });
    });
    c.result([...results, ...pictures.failures()]);
    pictures.finish(c);
  },
});
