/** What only a build of the graph can tell: its shapes, and with them the roles of its parts and the batches it takes. */
import { WgradError } from '../errors.ts';
import { input } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import { labelCount, readPreprocess, type Given } from '../model/metadata.ts';
import type { BuiltNetwork } from '../model/network.ts';
import type { InputRole, Roles } from '../model/roles.ts';
import type { Pieces } from '../pace.ts';
import { openBatch } from './batch.ts';
import type { Dataflow } from './dataflow.ts';
import { findScores, type Dims } from './roles.ts';
import type { OnnxGraph, OnnxNode } from './types.ts';

/** Where neither the file nor its preprocessing says how large a picture is. */
const DEFAULT_SIDE = 224;

/** Tells the batch from axes of extent 1. */
const PROBE_BATCH = 2;

export interface Probed {
  roles: Roles;
  /** Shapes of all values at the default picture size. */
  dims: Dims;
  /** The graph for batches that the file does not state. */
  anyBatch: OnnxGraph;
  /** The only batch that it can be built for, and the node that is in the way of others. */
  fixed: { batch: number; node: OnnxNode } | undefined;
}

export interface Probe {
  graph: OnnxGraph;
  flow: Dataflow;
  given: Given;
  /** The picture input, as far as the wiring tells. */
  picture: Omit<InputRole, 'size'> | undefined;
  /** Where a node belongs. */
  layerOf(node: OnnxNode): string | undefined;
  build(inputs: Readonly<Record<string, Tensor>>): Pieces<BuiltNetwork>;
}

/**
 * @param output the output that is to carry the classes; default: the one that is found.
 * @throws WgradError where the graph cannot be built at its own picture size.
 */
export function* probe(of: Probe, output: string | undefined): Pieces<Probed> {
  const { graph, flow, given, picture, layerOf } = of;
  const { metadata } = graph;
  const crop = readPreprocess(metadata, given, picture?.channels ?? 3, () => undefined)?.crop ?? DEFAULT_SIDE;
  const size = given.size ?? ([picture?.height ?? crop, picture?.width ?? crop] as const);
  const { batch, dims } = yield* shapes(of, size);
  yield;
  const opened =
    picture && (picture.batch !== null || batch !== PROBE_BATCH)
      ? openBatch(graph, flow, dims, picture.name)
      : { graph };
  yield;
  const fixed = 'blockedBy' in opened ? { batch, node: opened.blockedBy } : undefined;
  const scores = findScores(graph, flow, dims, layerOf, { output, labels: labelCount(metadata, given) });
  const fixedBy = fixed && { batchFixedBy: `node '${fixed.node.name}' (${fixed.node.opType})` };
  const roles: Roles = { input: picture && { ...picture, size, ...fixedBy }, ...scores };
  return { roles, dims, fixed, anyBatch: 'graph' in opened ? opened.graph : graph };
}

/** Dims of all values at the file's batch; where that is open, at one that can be told from axes of extent 1. */
function* shapes(of: Probe, size: readonly [number, number]): Pieces<{ batch: number; dims: Dims }> {
  const { picture, given } = of;
  if (picture?.batch) return yield* shapesAt(of, size, picture.batch);
  try {
    return yield* shapesAt(of, size, PROBE_BATCH);
  } catch (error) {
    // Some exports leave the batch open and write 1 into their reshapes all the same.
    try {
      return yield* shapesAt(of, size, 1);
    } catch {
      if (!(error instanceof WgradError) || given.size || (picture?.height && picture.width)) throw error;
      throw new WgradError(error.code, `pictures of ${size[0]} x ${size[1]}: ${error.message}`, {
        remedy: 'The file leaves the size open: give it as size: [height, width], or --size H,W',
        cause: error,
      });
    }
  }
}

function* shapesAt(
  { graph, picture, build }: Probe,
  [height, width]: readonly [number, number],
  batch: number,
): Pieces<{ batch: number; dims: Dims }> {
  const { channels = 3 } = picture ?? {};
  const extents = picture?.layout === 'nhwc' ? [height, width, channels] : [channels, height, width];
  const inputs = graph.inputs.map(({ name, dims }) => {
    const open = (dims ?? []).map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? batch : 1));
    return [name, input(name, name === picture?.name ? [batch, ...extents] : open)];
  });
  const { values } = yield* build(Object.fromEntries(inputs));
  return { batch, dims: new Map([...values].map(([name, tensor]) => [name, tensor.shape])) };
}
