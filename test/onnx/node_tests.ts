/**
 * The ONNX project's node tests: a model, inputs, and the outputs that its reference gives. Each runs twice: with its
 * inputs fed to the engine (but for those that an op takes as constants only: axes, shapes), and folded, all known.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import onnxProto, { type onnx } from 'onnx-proto';
import type { Engine } from '../../src/engine.ts';
import { WgradError } from '../../src/errors.ts';
import { input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { modeWarnings, normalizesByBatch } from '../../src/onnx/batch_statistics.ts';
import { buildGraph } from '../../src/onnx/build.ts';
import { decodeOnnx } from '../../src/onnx/decode.ts';
import { allOps, opKey, opRow } from '../../src/onnx/ops/index.ts';
import { readTensor } from '../../src/onnx/tensor.ts';
import { OPSET_MAX, OPSET_MIN, type OnnxGraph, type OnnxNode, type OnnxTensor } from '../../src/onnx/types.ts';
import { atOnce } from '../../src/pace.ts';
import { tolerance } from '../tolerance.ts';

export interface NodeTest {
  name: string;
  model: Uint8Array;
  /** TensorProto each, in the order of the graph's inputs and outputs. */
  inputs: Uint8Array[];
  outputs: Uint8Array[];
}

export type Outcome =
  | { kind: 'passed' }
  /** 'beyond' what the importer reads: ops outside the table, operator sets, data types (float8, int4, text). */
  | { kind: 'beyond' | 'refused'; reason: string }
  | { kind: 'wrong'; reason: string };

/** The tests in the folders of a folder, as `generate-data` and libonnx-testdata lay them. */
export function* nodeTestsIn(directory: string): Iterable<NodeTest> {
  for (const name of readdirSync(directory).sort()) {
    const folder = join(directory, name);
    const set = join(folder, 'test_data_set_0');
    if (!existsSync(join(folder, 'model.onnx')) || !existsSync(set)) continue;
    const series = (kind: string) => {
      const files: Uint8Array[] = [];
      for (let i = 0; existsSync(join(set, `${kind}_${i}.pb`)); i++) files.push(readFileSync(join(set, `${kind}_${i}.pb`))); // prettier-ignore
      return files;
    };
    yield { name, model: readFileSync(join(folder, 'model.onnx')), inputs: series('input'), outputs: series('output') };
  }
}

/** Tests of onnx 1.12 whose values later versions, and onnxruntime, contradict: the length of the output is whole. */
const DISPUTED: ReadonlyMap<string, string> = new Map(
  ['linear', 'cubic'].map((mode) => [
    `test_resize_downsample_scales_${mode}_align_corners`,
    'mended in onnx 1.13: the expected values take the length of the output as a fraction',
  ]),
);

export async function runNodeTest(engine: Engine, test: NodeTest): Promise<Outcome> {
  const outcome = await run(engine, test);
  const disputed = DISPUTED.get(test.name);
  return disputed && outcome.kind === 'wrong' ? { kind: 'refused', reason: disputed } : outcome;
}

async function run(engine: Engine, test: NodeTest): Promise<Outcome> {
  try {
    const unlisted = beyondTheTable(test.model, await allOps());
    if (unlisted.length > 0) return { kind: 'beyond', reason: unlisted.join(', ') };
    const graph = await decodeOnnx(test.model, { supported: allOps });
    const inputs = test.inputs.map(tensorOf);
    const outputs = test.outputs.map(tensorOf);
    const strange = [...graph.inputs, ...graph.outputs].find(({ dtype }, i) => [...inputs, ...outputs][i]?.dtype !== dtype); // prettier-ignore
    if (strange) return { kind: 'refused', reason: `the data of '${strange.name}' is not the ${strange.dtype} that the model declares` }; // prettier-ignore
    const names = graph.inputs.map(({ name }) => name);
    const constants = new Set(neededConstants(graph));
    return (
      (await differs(engine, graph, inputs, outputs, (name) => !constants.has(name))) ??
      (names.every((name) => constants.has(name))
        ? undefined
        : await differs(engine, graph, inputs, outputs, () => false)) ?? { kind: 'passed' } // prettier-ignore
    );
  } catch (error) {
    if (!(error instanceof WgradError)) return { kind: 'wrong', reason: `${(error as Error).stack}` };
    const beyond = /is not a tensor of numbers|data type/.test(error.message);
    return { kind: beyond ? 'beyond' : 'refused', reason: `${error.code}: ${error.message}` };
  }
}

/** What the test has beyond the importer's ops and operator sets. */
function beyondTheTable(model: Uint8Array, supported: ReadonlySet<string>): string[] {
  const { graph, opsetImport } = onnxProto.onnx.ModelProto.decode(model);
  const nodes = graph?.node ?? [];
  const opset = Number(opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? OPSET_MIN);
  if (opset < OPSET_MIN || opset > OPSET_MAX) return [`operator set ${opset}`];
  const keys = nodes.map((n) => opKey({ opType: n.opType ?? '', domain: n.domain && n.domain !== 'ai.onnx' ? n.domain : '' })); // prettier-ignore
  return [...new Set(keys)].filter((key) => !supported.has(key));
}

function tensorOf(bytes: Uint8Array): OnnxTensor {
  const proto: onnx.ITensorProto = onnxProto.onnx.TensorProto.decode(bytes);
  return readTensor(proto, `tensor '${proto.name}'`);
}

/** Values that some op takes as a constant, and all that they are computed from. */
function neededConstants(graph: OnnxGraph): Set<string> {
  const needed = new Set<string>();
  for (const node of [...graph.nodes].reverse()) {
    const row = opRow(node);
    const whole = node.outputs.some((name) => needed.has(name));
    node.inputs.forEach((name, i) => {
      if (name && (whole || row?.constants?.includes(i))) needed.add(name);
    });
  }
  return needed;
}

/** What is wrong with the outputs where the inputs that `fed` picks come at run time, the others at import. */
async function differs(
  engine: Engine,
  graph: OnnxGraph,
  inputs: readonly OnnxTensor[],
  outputs: readonly OnnxTensor[],
  fed: (name: string) => boolean,
): Promise<Outcome | undefined> {
  const initializers = new Map(graph.initializers);
  const tensors: Record<string, Tensor> = {};
  const feeds: Record<string, Float32Array> = {};
  graph.inputs.forEach(({ name }, i) => {
    const given = inputs[i]!;
    if (fed(name)) {
      tensors[name] = input(name, given.dims);
      feeds[name] = Float32Array.from(given.data);
    } else initializers.set(name, given);
  });
  const known = { ...graph, initializers, inputs: graph.inputs.filter(({ name }) => fed(name)) };
  const random = modeWarnings(known, 'file').find((warning) => warning.startsWith('Dropout'));
  if (random) return { kind: 'refused', reason: random };
  const environment = {
    inputs: tensors,
    parameters: new Map<string, Tensor>(),
    batchNorm: (node: OnnxNode) => ({ useBatch: normalizesByBatch(node), moveRunning: false }),
  };
  const { values } = atOnce(buildGraph(known, environment));
  const results = Object.fromEntries(graph.outputs.map(({ name }) => [name, values.get(name)!]));
  const full = Object.fromEntries(Object.entries(results).filter(([, t]) => t.size > 0));
  const program = await engine.compile({ outputs: full });
  try {
    const read = Object.fromEntries(Object.entries(feeds).filter(([name]) => program.plan.inputs.has(name)));
    const got = await program.run(read);
    const how = Object.keys(feeds).length > 0 ? 'computed' : 'folded';
    for (const [i, { name }] of graph.outputs.entries()) {
      const reason = difference(results[name]!.shape, got[name] ?? [], outputs[i]!);
      if (reason) return { kind: 'wrong', reason: `${how}: '${name}' ${reason}` };
    }
    return undefined;
  } finally {
    program.dispose();
  }
}

function difference(shape: readonly number[], data: ArrayLike<number>, expected: OnnxTensor): string | undefined {
  if (shape.join() !== expected.dims.join()) return `is [${shape.join(', ')}], not [${expected.dims.join(', ')}]`;
  const { absolute } = tolerance.onnxNode;
  const relative = tolerance.onnxNode[expected.dtype === 'bf16' ? 'bf16' : 'relative'];
  for (let i = 0; i < expected.data.length; i++) {
    const [a, e] = [data[i]!, expected.data[i]!];
    if (Object.is(a, e) || (Number.isNaN(a) && Number.isNaN(e)) || Math.abs(a - e) <= absolute + relative * Math.abs(e)) continue; // prettier-ignore
    return `holds ${a} at ${i}, not ${e}`;
  }
  return undefined;
}
