/** `wgrad info MODEL`: the layer tree with output shapes, parameters and FLOPs. */
import { convGeometry, convFlops } from '../ops/conv_geometry.ts';
import { sizeOf } from '../graph/shape.ts';
import { topologicalOrder } from '../graph/tensor.ts';
import { describeNetwork } from '../model/describe.ts';
import { modelGraph } from '../model/graph.ts';
import type { LayerInfo } from '../model/network.ts';
import { requirePicture, type Roles } from '../model/roles.ts';
import { count } from '../options.ts';
import { defineCommand } from './command.ts';
import { embeddedModel, modelOptions, networkOf } from './model.ts';

interface Row {
  name: string;
  depth: number;
  kind: string;
  shape: readonly number[];
  parameters: number;
  flops: number;
}

export const infoCommand = defineCommand({
  summary: 'print the layer tree of a model: names, output shapes, parameters, FLOPs',
  usage: '[MODEL]',
  arity: [0, 1],
  options: {
    output: modelOptions.output,
    size: modelOptions.size,
    depth: count(9, 'levels of the tree to print'),
  },
  async run(c, o) {
    const path = c.positionals[0] ?? embeddedModel;
    const network = await networkOf(c, { ...o, model: path });
    const { labels, warnings } = describeNetwork(network);
    for (const warning of warnings) c.note(`warning: ${warning}`);
    const graph = modelGraph(network, {});
    const flopsOf = new Map<string, number>();
    for (const node of topologicalOrder(Object.values(graph.outputs))) {
      if (!node.op.flops || !node.name) continue;
      const flops =
        node.op.name === 'conv2d'
          ? convFlops(convGeometry(node.inputs[0]!.shape, node.inputs[1]!.shape, node.attrs))
          : node.op.flops({ ...node });
      flopsOf.set(node.name, (flopsOf.get(node.name) ?? 0) + flops);
    }
    const rows: Row[] = [];
    const visit = (layer: LayerInfo, depth: number): Row => {
      const row: Row = { name: layer.name, depth, kind: layer.kind, shape: [], parameters: 0, flops: 0 };
      rows.push(row);
      row.shape = layer.value ? graph.value(layer.value).shape : [];
      row.parameters = layer.parameters.reduce(
        (n, name) => n + sizeOf(network.parameters.get(name)!.variable.shape),
        0,
      );
      for (const node of (layer as { nodes?: { name: string }[] }).nodes ?? [])
        row.flops += flopsOf.get(node.name) ?? 0;
      for (const child of layer.children) {
        const inner = visit(child, depth + 1);
        row.parameters += inner.parameters;
        row.flops += inner.flops;
      }
      return row;
    };
    const total = visit(network.root, 0);
    for (const text of roleLines(path, network.roles)) c.print(text);
    c.print(
      `${'layer'.padEnd(34)} ${'kind'.padEnd(20)} ${'output'.padEnd(18)} ${'parameters'.padStart(11)} ${'MFLOPs'.padStart(9)}`,
    );
    for (const r of rows.filter((row) => row.depth <= o.depth && row.depth > 0)) {
      const name = `${'  '.repeat(r.depth - 1)}${r.name}`;
      const cells = [
        `[${r.shape}]`.padEnd(18),
        String(r.parameters).padStart(11),
        (r.flops / 1e6).toFixed(1).padStart(9),
      ];
      c.print(`${name.padEnd(34)} ${r.kind.padEnd(20)} ${cells.join(' ')}`);
    }
    c.print(`total: ${total.parameters} parameters, ${(total.flops / 1e9).toFixed(2)} GFLOPs a picture`);
    const { roles } = network;
    const { name, channels, size } = requirePicture(roles);
    c.result({ model: path, input: [name, channels, ...size], roles, labels, layers: rows });
  },
});

const TAILS = {
  none: '',
  softmax: ', before softmax',
  'log-softmax': ', before log-softmax',
  sigmoid: ', before sigmoid',
};

/** What was found: the picture, the class scores, the other outputs. */
function roleLines(path: string, roles: Roles): string[] {
  const { input, outputs, scores, ask } = roles;
  const {
    channels,
    size: [height, width],
  } = requirePicture(roles);
  const open = input!.height === null ? ', any size' : '';
  const range = input!.range ? `, pixels in [0, ${input!.range}]` : '';
  const batch = input!.batchFixedBy ? `, ${input!.batch ?? 1} at a time` : '';
  const lines = [`${path}: input ${input!.name}, ${input!.layout}, ${channels} channels of ${height} x ${width}${open}${range}${batch}`]; // prettier-ignore
  if (scores) {
    const what = { 'single-label': `${scores.count} classes`, binary: 'one score for two classes', 'multi-label': `${scores.count} independent labels` }[scores.kind]; // prettier-ignore
    lines.push(`classes: ${what} in ${scores.output}${TAILS[scores.tail]}, made by ${scores.head ?? 'no linear layer'}; last map ${scores.features?.value ?? 'none'}`); // prettier-ignore
  } else if (ask) lines.push(`classes: ${ask.message}. ${ask.remedy}`);
  const others = outputs.filter(({ name }) => name !== scores?.output);
  if (others.length) lines.push(`other outputs: ${others.map(({ name, shape }) => `${name} [${['N', ...shape.slice(1)].join(',')}]`).join(', ')}`); // prettier-ignore
  return lines;
}
