/**
 * The op table: one row an ONNX op, which builds it, folds it, and settles what its operator sets changed. The rows of a
 * plain classifier are there at once; the others, and what folds constants, come with the first model that needs them.
 */
import type { Tensor } from '../../graph/tensor.ts';
import type { OnnxGraph, OnnxNode } from '../types.ts';
import type { Algebra } from './algebra.ts';
import type * as All from './all.ts';
import type { foldNode as FoldNode } from './fold.ts';
import { PLAIN } from './plain.ts';
import { PLAIN_GRAPH } from './plain_graph.ts';
import type { Row } from './row.ts';

const rows = new Map<string, Row>(Object.entries(PLAIN));
let all: typeof All | undefined;

/** `Conv`, or `com.microsoft::FusedConv` outside the standard domain. */
export const opKey = ({ domain, opType }: Pick<OnnxNode, 'domain' | 'opType'>): string =>
  domain ? `${domain}::${opType}` : opType;

export const opRow = (node: OnnxNode): Row | undefined => rows.get(opKey(node));

export const graphAlgebra = (): Algebra<Tensor> => all?.GRAPH ?? (PLAIN_GRAPH as Algebra<Tensor>);

/** Loads the whole table. @returns all that the importer takes, as {@link opKey} writes it. */
export async function allOps(): Promise<ReadonlySet<string>> {
  all ??= await import('./all.ts');
  for (const [key, row] of Object.entries(all.ROWS)) rows.set(key, row);
  return new Set(rows.keys());
}

/** Loads what a graph needs. @returns the ops that are there, all of them where the graph has an unknown one. */
export async function opsFor({
  nodes,
  initializers,
}: Pick<OnnxGraph, 'nodes' | 'initializers'>): Promise<ReadonlySet<string>> {
  const isPlain = (node: OnnxNode) =>
    rows.has(opKey(node)) && node.inputs.some((name) => name && !initializers.has(name));
  return all || nodes.every(isPlain) ? new Set(rows.keys()) : allOps();
}

/** As `foldNode` of fold.ts, for a graph that {@link opsFor} has loaded. */
export const foldNode: typeof FoldNode = (...of) => {
  if (!all) throw new Error('a graph with constants to fold begins with OnnxNetwork.of');
  return all.foldNode(...of);
};
