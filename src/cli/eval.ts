/** `wgrad eval`: values and gradients of a model as safetensors, for comparison with another framework. */
import { grad } from '../autograd/grad.ts';
import { WgradError } from '../errors.ts';
import { constant, input } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { transpose } from '../ops/transpose.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../formats/safetensors.ts';
import { readWhole } from '../node/read.ts';
import { prepareFile, writeWhole } from '../node/write.ts';
import type { Command } from './command.ts';
import { parseExpression } from './expression.ts';
import { openModel } from './model.ts';

/** The tensor `FILE.safetensors:KEY`. @throws WgradError 'usage', 'file-missing', 'file-format', 'unknown-name'. */
async function readTensor(source: string): Promise<StoredTensor> {
  const [, path, key] = /^(.*\.safetensors):(.+)$/.exec(source) ?? [];
  if (!path || !key) throw new WgradError('usage', `'${source}' is not FILE.safetensors:KEY`);
  return decodeSafetensors(await readWhole(path), path).read(key);
}

export const evalCommand: Command = {
  summary: 'evaluate named values and gradients to safetensors: the numerical microscope',
  usage: 'MODEL --feed NAME=FILE.safetensors:KEY --fetch NAME[,NAME...] [--grad EXPR --wrt NAME[,...]] --out OUT',
  options: {
    feed: { type: 'string', multiple: true, value: 'NAME=FILE:KEY', help: 'an input of the graph; repeatable' },
    fetch: { type: 'string', multiple: true, value: 'NAMES', help: 'graph values, layers or parameters' },
    grad: {
      type: 'string',
      value: 'EXPR',
      help: 'scalar: logits[0,5], sum(logits), mean(layer3.5[:,7]), cross_entropy(logits, FILE:KEY)',
    },
    wrt: { type: 'string', multiple: true, value: 'NAMES', help: 'gradients of EXPR, written as grad/NAME' },
    bn: { type: 'string', value: 'MODE', help: 'eval or train: statistics that BatchNorm uses', default: 'eval' },
    out: { type: 'string', value: 'OUT.safetensors', help: 'file to write' },
  },
  async run(c) {
    const out = c.text('out');
    const [path, mode, expression] = [c.positionals[0], c.text('bn'), c.text('grad')];
    if (!path || !out)
      throw new WgradError('usage', 'eval: a MODEL and --out are needed', { remedy: 'See: wgrad eval --help' });
    if (mode !== 'eval' && mode !== 'train') throw new WgradError('usage', `--bn ${mode} is neither eval nor train`);
    await prepareFile(out);
    const engine = await c.engine();
    const model = await openModel(engine, path);
    const feeds: Record<string, Float32Array> = {};
    const inputs: Record<string, Tensor> = {};
    for (const feed of c.texts('feed')) {
      const [, name, source] = /^([^=]+)=(.+)$/.exec(feed) ?? [];
      if (!name || !source) throw new WgradError('usage', `--feed ${feed} is not NAME=FILE.safetensors:KEY`);
      const { shape, data } = await readTensor(source);
      feeds[name] = Float32Array.from(data as Float32Array);
      inputs[name] = input(name, shape);
    }
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
      targets.set(source, constant(Int32Array.from(data as Float32Array, Number), shape));
    }
    const outputs: Record<string, Tensor> = {};
    for (const name of c.texts('fetch')) outputs[name] = value(name);
    if (expression) {
      const y = parseExpression(expression, { value, target: (s) => targets.get(s)! });
      const names = c.texts('wrt');
      if (names.length === 0) throw new WgradError('usage', 'eval: --grad needs --wrt');
      grad(y, names.map(value)).forEach((g, i) => (outputs[`grad/${names[i]}`] = g));
    }
    if (Object.keys(outputs).length === 0)
      throw new WgradError('usage', 'eval: nothing to do without --fetch or --grad');
    const program = await engine.compile({ outputs });
    const known = Object.fromEntries(Object.entries(feeds).filter(([name]) => program.plan.inputs.has(name)));
    const results = await program.run(known);
    const tensors = Object.fromEntries(
      Object.entries(outputs).map(([name, t]) => [name, { shape: t.shape, data: results[name]! }]),
    );
    await writeWhole(out, encodeSafetensors(tensors));
    for (const [name, t] of Object.entries(outputs)) c.log(`${name} [${t.shape}]`);
    c.log(`${out} written`);
    c.result({ out, tensors: Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.shape])) });
  },
};
