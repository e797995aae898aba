/** Real exporters' files: they load, give the stored logits, and have the layers and parameters of the PyTorch model. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { input } from '../../src/graph/leaves.ts';
import { Model } from '../../src/model/model.ts';
import { readOnnxFile } from '../../src/node/onnx.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { decodeSafetensors } from '../../src/formats/safetensors.ts';
import { dataFolder, whyNoData } from '../support/data.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';
import { pattern } from './builder.ts';
import { onnxruntime } from './oracle.ts';

const MODELS: [file: string, golden: string, logitTolerance: number][] = [
  ['mini-legacy', 'mini-bottleneck', tolerance.logits],
  ['mini-folded', 'mini-bottleneck', tolerance.logits],
  ['mini-external', 'mini-bottleneck', tolerance.logits],
  ['mini-dynamo', 'mini-basic', tolerance.logits],
  ['mini-dynamo-bn', 'mini-basic', tolerance.logits],
  ['mini-identity', 'mini-identity', tolerance.logits],
  ['mini-fp16', 'mini-fp16', tolerance.logits],
];

const goldenFile = (name: string) => {
  const path = `${dataFolder}/golden/${name}.safetensors`;
  return decodeSafetensors(readFileSync(path), path);
};

const open = async (name: string) => {
  const file = await readOnnxFile(`${dataFolder}/models/${name}.onnx`);
  return importOnnx(file.bytes, file);
};

if (!dataFolder) console.log(`skipped: ${whyNoData}`);

describe.skipIf(!dataFolder)('models of real exporters', () => {
  it.each(MODELS)('%s gives the logits of PyTorch', async (name, golden, limit) => {
    const tensors = goldenFile(golden);
    const model = new Model(await testEngine(), await open(name));
    const { logits } = await model.run(tensors.floats('input').data);
    const error = compare(logits!, tensors.floats('logits').data);
    console.log(`${name}: largest logit error ${error.maxAbs.toExponential(1)}`);
    expect(error.maxAbs).toBeLessThan(limit);
    model.dispose();
  });

  it.each(['mini-legacy', 'mini-dynamo-bn', 'mini-identity', 'mini-fp16'])(
    '%s has exactly the parameters of its state_dict',
    async (name) => {
      const golden = MODELS.find(([file]) => file === name)![1];
      const { state_dict } = JSON.parse(readFileSync(`${dataFolder}/golden/${golden}.json`, 'utf8'));
      const names = (Array.isArray(state_dict) ? state_dict : Object.keys(state_dict)) as string[];
      const { parameters } = await open(name);
      expect([...parameters.keys()].sort()).toEqual(names.filter((n) => !n.endsWith('num_batches_tracked')).sort());
    },
  );

  it.each(MODELS)('%s has torchvision layer names', async (name) => {
    const network = await open(name);
    const built = network.build({ inputs: fed(network) });
    for (const layer of [
      'conv1',
      'maxpool',
      'layer1',
      'layer1.0',
      'layer2.0.conv1',
      'layer3',
      'layer4.0',
      'avgpool',
      'fc',
    ])
      expect(built.values.has(network.resolve(layer)), layer).toBe(true);
    expect(network.resolve('fc')).toBe(network.ir.nodes.find((n) => n.opType === 'Gemm')!.outputs[0]);
    const block = network.ir.nodes.find((n) => n.outputs[0] === network.resolve('layer3.0'))!;
    expect(block.opType).toBe('Relu');
  });

  it('layer values are the activations of PyTorch', async () => {
    const names = ['act.maxpool', 'act.layer1', 'act.layer2', 'act.layer3', 'act.layer4'];
    const tensors = goldenFile('mini-identity');
    const model = new Model(await testEngine(), await open('mini-identity'));
    const x = tensors.read('input');
    const graph = model.graph({ batch: x.shape[0]! });
    const outputs = Object.fromEntries(names.map((name) => [name, graph.value(name.slice(4))]));
    const actual = await (await testEngine()).evaluate(outputs, { input: tensors.floats('input').data });
    for (const name of names) {
      const expected = tensors.floats(name).data;
      expect(compare(actual[name]!.subarray(0, expected.length), expected).maxRel, name).toBeLessThan(
        tolerance.longSum,
      );
    }
    model.dispose();
  });
});

function fed(network: Awaited<ReturnType<typeof open>>) {
  const [{ name, shape }] = network.inputs as [{ name: string; shape: readonly (number | null)[] }];
  return { [name]: input(name, shape.map((dim) => dim ?? 1)) }; // prettier-ignore
}

describe.skipIf(!dataFolder)('saveOnnx', () => {
  it.each(MODELS.map(([name]) => name))('%s, changed and saved, gives onnxruntime the same logits', async (name) => {
    const engine = await testEngine();
    const network = await open(name);
    const model = new Model(engine, network);
    for (const { variable } of network.parameters.values())
      await engine.write(
        variable,
        variable.initial.map((v) => v * 1.01),
      );
    const x = pattern(3 * model.pictureShape[1] * model.pictureShape[2], 5);
    const { logits } = await model.run(x);
    const saved = await model.saveOnnx();
    const answer = await onnxruntime(saved, x, [1, ...model.pictureShape]);
    expect(compare(answer.data, logits!).maxAbs).toBeLessThan(tolerance.logits);
    // What was saved is a model like any other.
    const again = await importOnnx(saved);
    expect([...again.parameters.keys()]).toEqual([...network.parameters.keys()]);
    model.dispose();
  });

  it('a new head for other classes, with its labels', async () => {
    const engine = await testEngine();
    const model = new Model(engine, await open('mini-fp16'));
    model.replaceHead('fc', { classes: ['one', 'two', 'three'], seed: 3 });
    const x = pattern(3 * 64 * 64, 5);
    const { logits } = await model.run(x);
    expect(logits).toHaveLength(3);
    const saved = await model.saveOnnx();
    const answer = await onnxruntime(saved, x, [1, 3, 64, 64]);
    expect(answer.dims).toEqual([1, 3]);
    expect(compare(answer.data, logits!).maxAbs).toBeLessThan(tolerance.logits);
    const again = await importOnnx(saved);
    expect(again.metadata.get('labels')).toBe('["one","two","three"]');
    expect(again.ir.outputs[0]!.dims).toEqual(['N', 3]);
    model.dispose();
  });

  it('an untouched head is bit-identical after saving', async () => {
    const model = new Model(await testEngine(), await open('mini-legacy'));
    const again = await importOnnx(await model.saveOnnx());
    for (const [name, { variable }] of model.network.parameters)
      expect(again.parameters.get(name)!.variable.initial, name).toEqual(variable.initial);
    model.dispose();
  });
});
