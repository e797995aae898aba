/** `wgrad eval`: values and gradients of a model as safetensors, for comparison with another framework. */
import { grad } from '../autograd/grad.ts';
import { WgradError } from '../errors.ts';
import { constant, input } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { transpose } from '../ops/transpose.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../formats/safetensors.ts';
import { readWhole } from '../node/read.ts';
import { writeWhole } from '../node/write.ts';
import { choice, name, required } from '../options.ts';
import { defineCommand } from './command.ts';
import { parseExpression } from './expression.ts';
import { list, outFile, shownAs } from './kinds.ts';
import { modelOf, networkOf } from './model.ts';

/** The tensor `FILE.safetensors:KEY`. @throws WgradError 'usage', 'file-missing', 'file-format', 'unknown-name'. */
async function readTensor(source: string): Promise<StoredTensor> {
  const [, path, key] = /^(.*\.safetensors):(.+)$/.exec(source) ?? [];
  if (!path || !key) throw new WgradError('usage', `'${source}' is not FILE.safetensors:KEY`);
  return decodeSafetensors(await readWhole(path), path).read(key);
}

export const evalCommand = defineCommand({
  summary: 'evaluate named values and gradients to safetensors: the numerical microscope',
  usage: 'MODEL --feed NAME=FILE.safetensors:KEY --fetch NAME[,NAME...] [--grad EXPR --wrt NAME[,...]] --out OUT',
  arity: [1, 1],
  options: {
    feed: list(name('an input of the graph; repeatable'), 'NAME=FILE:KEY'),
    fetch: list(name('graph values, layers or parameters'), 'NAMES'),
    grad: shownAs(
      'EXPR',
      name('scalar: logits[0,5], sum(logits), mean(layer3.5[:,7]), cross_entropy(logits, FILE:KEY)'),
    ),
    wrt: list(name('gradients of EXPR, written as grad/NAME'), 'NAMES'),
    bn: choice(['eval', 'train'], 'eval', 'statistics that BatchNorm uses'),
    out: required(outFile(undefined, 'the safetensors file to write')),
  },
  async run(c, { out, bn: mode, grad: expression, ...o }) {
    const usage = (message: string) =>
      new WgradError('usage', `eval: ${message}`, { remedy: 'See: wgrad eval --help' });
    if (expression !== undefined && o.wrt.length === 0) throw usage('--grad needs --wrt');
    if (expression === undefined && o.wrt.length > 0) throw usage('--wrt needs --grad');
    if (expression === undefined && o.fetch.length === 0) throw usage('nothing to do without --fetch or --grad');
    const network = await networkOf(c, { model: c.positionals[0] });
    const feeds: Record<string, Float32Array> = {};
    const inputs: Record<string, Tensor> = {};
    for (const feed of o.feed) {
      const [, name, source] = /^([^=]+)=(.+)$/.exec(feed) ?? [];
      if (!name || !source) throw new WgradError('usage', `--feed ${feed} is not NAME=FILE.safetensors:KEY`);
      const { shape, data } = await readTensor(source);
      feeds[name] = Float32Array.from(data as Float32Array);
      inputs[name] = input(name, shape);
    }
    const model = await modelOf(c, network);
    const { engine } = model;
    const given = inputs[model.inputName];
    if (!given) throw new WgradError('missing-feed', `eval: the model's input ${model.inputName} is not fed`);
    const extra = Object.keys(inputs).find((name) => name !== model.inputName);
    if (extra) throw new WgradError('unknown-name', `eval: the model has no input ${extra}`);
    if (mode === 'train') model.batchNorm('train');
    // Values are fed and read as the file has them: its layout is undone here, and put back by the model.
    const channelsLast = model.roles.input?.layout === 'nhwc' && given.rank === 4;
    const pictures = channelsLast ? transpose(given, [0, 3, 1, 2]) : given;
    const graph = model.graph({ input: pictures, training: mode === 'train' });
    const value = (name: string): Tensor =>
      name === model.inputName ? given : (model.network.parameters.get(name)?.variable.tensor ?? graph.value(name));

    const targets = new Map<string, Tensor>();
    const source = expression && /^\s*cross_entropy\s*\(.*,\s*([^,]+?)\s*\)\s*$/.exec(expression)?.[1];
    if (source) {
      const { shape, data } = await readTensor(source);
      targets.set(source, constant(classIndices(data, model.classes, source), shape));
    }
    const outputs: Record<string, Tensor> = {};
    for (const name of o.fetch) outputs[name] = value(name);
    if (expression) {
      const y = parseExpression(expression, { value, target: (s) => targets.get(s)! });
      grad(y, o.wrt.map(value)).forEach((g, i) => (outputs[`grad/${o.wrt[i]}`] = g));
    }
    const program = await engine.compile({ outputs }, { signal: c.signal });
    const known = Object.fromEntries(Object.entries(feeds).filter(([name]) => program.plan.inputs.has(name)));
    const results = await program.run(known, { signal: c.signal });
    const tensors = Object.fromEntries(
      Object.entries(outputs).map(([name, t]) => [name, { shape: t.shape, data: results[name]! }]),
    );
    await writeWhole(out, encodeSafetensors(tensors));
    for (const [name, t] of Object.entries(outputs)) c.print(`${name} [${t.shape}]`);
    c.print(`${out} written`);
    c.result({ out, tensors: Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.shape])) });
  },
});

/** Labels for cross-entropy; -100 is the one that it leaves out. */
function classIndices(data: StoredTensor['data'], classes: number, source: string): Int32Array {
  return Int32Array.from(data as Float32Array, (label, i) => {
    const index = Number(label);
    if (index === -100 || (Number.isInteger(index) && index >= 0 && index < classes)) return index;
    throw new WgradError('invalid-argument', `${source}: label ${i} is ${index}; the model has ${classes} classes`);
  });
}
