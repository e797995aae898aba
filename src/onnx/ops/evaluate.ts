/** What building a node and folding it have in common. */
import { WgradError } from '../../errors.ts';
import type { OnnxDtype, OnnxNode } from '../types.ts';
import type { Shaped } from './algebra.ts';
import { opRow } from './index.ts';
import type { OpContext, Row } from './row.ts';

/** The row of a node. @throws 'onnx-unsupported' */
export function rowOf(node: OnnxNode): Row {
  const row = opRow(node);
  if (!row)
    throw new WgradError('onnx-unsupported', `node '${node.name}' (${node.opType}): unsupported op`, {
      remedy: 'A graph of your own with ops that a plain classifier has not becomes a network by OnnxNetwork.of(graph)',
    });
  return row;
}

/** Whether the inputs that the node's result depends on are all known. */
export function canFold(row: Row, known: (input: number) => boolean, count: number): boolean {
  const reads = row.reads ?? Array.from({ length: count }, (_, i) => i);
  return reads.every(known);
}

export function outputsOf<T extends Shaped>(row: Row, context: OpContext<T>): readonly T[] {
  const result = row.compute(context);
  return Array.isArray(result) ? (result as readonly T[]) : [result as T];
}

export function dtypeOf(row: Row, context: OpContext<Shaped>, output: number): OnnxDtype {
  return row.dtype?.(context, output) ?? context.inputs[0]?.dtype ?? 'f32';
}

/** An op's own error names shapes; this adds the node. */
export function naming<R>(node: OnnxNode, compute: () => R): R {
  try {
    return compute();
  } catch (cause) {
    if (!(cause instanceof WgradError) || cause.message.includes(`node '${node.name}'`)) throw cause;
    throw new WgradError(cause.code, `node '${node.name}' (${node.opType}): ${cause.message}`, { cause });
  }
}
