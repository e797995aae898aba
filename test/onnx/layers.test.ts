import { describe, expect, it } from 'vitest';
import { decodeOnnx } from '../../src/onnx/decode.ts';
import { layerTree, resolveName } from '../../src/onnx/layers.ts';
import { storedParameters } from '../../src/onnx/parameters.ts';
import { atOnce } from '../../src/pace.ts';
import { f32, model, node, smallSpec, value } from './builder.ts';
import { resnet, type Exporter } from './resnet.ts';

async function open(bytes: Uint8Array) {
  const graph = atOnce(storedParameters(await decodeOnnx(bytes)));
  const tree = atOnce(layerTree(graph));
  return { graph, tree, find: (name: string) => resolveName(graph, tree, name) };
}

/** Own name of a torchvision layer in each exporter's tree. */
const PATHS: Record<Exporter, Record<string, string>> = {
  torch: {},
  dynamo: {},
  lost: {},
  mxnet: {
    conv1: 'conv0',
    bn1: 'batchnorm0',
    layer1: 'stage1',
    layer2: 'stage2',
    'layer2.0.conv1': 'stage2.conv0',
    'layer2.0.downsample.0': 'stage2.conv2',
    'layer2.0.relu_1': 'stage2.activation0',
    fc: 'dense0',
  },
  keras: {
    conv1: 'conv1_conv',
    bn1: 'conv1_bn',
    layer1: 'conv2',
    layer2: 'conv3',
    'layer1.1': 'conv2.block2',
    'layer2.0': 'conv3.block1',
    'layer2.0.conv1': 'conv3.block1.1_conv',
    'layer2.0.downsample.0': 'conv3.block1.0_conv',
    'layer2.0.relu_1': 'conv3.block1.out',
    fc: 'predictions',
  },
};

/** torchvision's container -> the leaf whose value leaves it. */
const LEAVES: Record<string, string> = {
  layer1: 'layer1.1.relu_1',
  layer2: 'layer2.1.relu_1',
  'layer1.1': 'layer1.1.relu_1',
  'layer2.0': 'layer2.0.relu_1',
};

const EXPORTERS: Exporter[] = ['torch', 'dynamo', 'mxnet', 'keras', 'lost'];

describe.each(EXPORTERS)('a ResNet from the exporter %s', (exporter) => {
  it('has its layers under usable names, each with the value that leaves it', async () => {
    const { bytes, valueOf } = resnet(exporter);
    const { find } = await open(bytes);
    for (const path of [
      'conv1',
      'bn1',
      'layer2.0.conv1',
      'layer2.0.downsample.0',
      'layer2.0.relu_1',
      'fc',
      ...Object.keys(LEAVES),
    ]) {
      const own = PATHS[exporter][path] ?? path;
      const found = find(own);
      expect(found, own).toMatchObject({ value: valueOf.get(LEAVES[path] ?? path) });
      // MXNet's names have no blocks: those are known by torchvision's names only.
      if (!(exporter === 'mxnet' && /^layer\d\.\d$/.test(path))) expect(found.kind, own).toBe('layer');
    }
  });

  it('knows its blocks and stages by torchvision names too, and the stem', async () => {
    const { bytes, valueOf } = resnet(exporter);
    const { find } = await open(bytes);
    for (const [path, leaf] of Object.entries(LEAVES)) expect(find(path).value, path).toBe(valueOf.get(leaf));
    expect(find('stem').value).toBe(valueOf.get('relu'));
  });

  it('gives every parameter to exactly one layer', async () => {
    const { graph, tree } = await open(resnet(exporter).bytes);
    const owned = [...tree.layers.values()].flatMap((layer) => layer.parameters);
    expect(owned.sort()).toEqual([...graph.initializers.keys()].sort());
    expect([...tree.parameters.values()].filter((p) => !p.trainable).length).toBe(2 * 10);
  });
});

describe('where names are lost', () => {
  it('a folded network (no BatchNorm, onnx::Conv_497) gets torchvision names by position', async () => {
    const { bytes, valueOf } = resnet('lost', false);
    const { tree, find } = await open(bytes);
    expect(tree.style).toBe('position');
    for (const path of [
      'conv1',
      'relu',
      'maxpool',
      'layer1.0.conv2',
      'layer1.1.add',
      'layer2.0.downsample',
      'layer2.1.relu_1',
      'avgpool',
      'flatten',
      'fc',
    ])
      expect(find(path).value, path).toBe(valueOf.get(path === 'layer2.0.downsample' ? `${path}.0` : path));
    expect([...tree.parameters.keys()].every((name) => name.startsWith('onnx::'))).toBe(true);
  });

  it('a plain chain is numbered', async () => {
    const { tree } = await open(
      model({
        nodes: [
          node('Conv', ['x', '1'], ['a']),
          node('Relu', ['a'], ['b']),
          node('Conv', ['b', '2'], ['c']),
          node('Relu', ['c'], ['d']),
          node('GlobalAveragePool', ['d'], ['e']),
          node('Flatten', ['e'], ['f']),
          node('Gemm', ['f', '3'], ['g']),
          node('Gemm', ['g', '4'], ['y']),
        ],
        initializers: [f32('1', [4, 3, 3, 3]), f32('2', [4, 4, 3, 3]), f32('3', [4, 4]), f32('4', [4, 4])],
      }),
    );
    expect([...tree.layers.keys()].filter(Boolean)).toEqual(['conv1', 'relu', 'conv2', 'relu_1', 'avgpool', 'flatten', 'fc1', 'fc2']); // prettier-ignore
  });
});

describe('one tensor under two names', () => {
  const shared = (nodes: Parameters<typeof model>[0]['nodes']) =>
    open(model({ nodes, initializers: [f32('a.bias', [4])], inputs: [value('x', [1, 4])], outputs: [value('y', [1, 4])] })); // prettier-ignore

  it('is two parameters, one Identity less', async () => {
    const { graph, tree } = await shared([
      node('Identity', ['a.bias'], ['b.bias']),
      node('Add', ['x', 'a.bias'], ['h']),
      node('Add', ['h', 'b.bias'], ['y']),
    ]);
    expect([...tree.parameters.keys()]).toEqual(['a.bias', 'b.bias']);
    expect(graph.nodes).toHaveLength(2);
    expect(graph.initializers.get('b.bias')!.data).toEqual(graph.initializers.get('a.bias')!.data);
  });

  it('is one parameter where the Identity is its only reader', async () => {
    const { tree } = await shared([node('Identity', ['a.bias'], ['b.bias']), node('Add', ['x', 'b.bias'], ['y'])]);
    expect([...tree.parameters.keys()]).toEqual(['a.bias']);
  });
});

describe('names that nothing has', () => {
  it.each([
    ['layer2.O', /'layer2'|'layer2\.0'/],
    ['layr1', /'layer1'/],
    ['fc.wieght', /'fc\.weight'/],
  ])("'%s' is 'unknown-name' with near names", async (name, near) => {
    const { find } = await open(resnet('torch').bytes);
    expect(() => find(name)).toThrow(expect.objectContaining({ code: 'unknown-name', message: expect.stringMatching(near) })); // prettier-ignore
  });

  it('nodes, values and parameters are found under their own names', async () => {
    const { find } = await open(resnet('torch').bytes);
    expect(find('/layer1/layer1.0/conv1/Conv')).toMatchObject({ kind: 'node' });
    expect(find('x')).toMatchObject({ kind: 'value', value: 'x' });
    expect(find('logits')).toMatchObject({ kind: 'value', value: 'logits' });
    expect(find('fc.weight')).toMatchObject({ kind: 'parameter' });
    expect((await open(resnet('keras').bytes)).find('conv2_block1_out')).toMatchObject({ kind: 'layer', name: 'conv2.block1.out' }); // prettier-ignore
  });
});

it('names of slashes alone are no scopes', async () => {
  const spec = smallSpec();
  const nodes = spec.nodes!.map((n, i) => ({ ...n, name: '/'.repeat(i + 1) }));
  const tree = atOnce(layerTree(await decodeOnnx(model({ ...spec, nodes }))));
  expect([...tree.layers.keys()].filter(Boolean).length).toBeGreaterThan(4);
});
