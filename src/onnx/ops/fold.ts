/**
 * Nodes of constants, computed at import. Exporters compute shapes inside the graph (Shape, Gather, Concat, Reshape);
 * once the batch size is known all of it is constant, and never becomes a kernel. The op table says how.
 */
import { normalizesByBatch } from '../batch_statistics.ts';
import type { Budget } from '../budget.ts';
import { dtypeOf, naming, outputsOf, rowOf } from './evaluate.ts';
import { HostAlgebra } from './host.ts';
import type { HostTensor } from './host_tensor.ts';
import { OpContext, type Operand } from './row.ts';
import { allocate, isFloat, type OnnxDtype, type OnnxNode, type OnnxTensor } from '../types.ts';

/** What is known of an input: its constant, or its type and shape alone. */
export type FoldInput = OnnxTensor | { dtype: OnnxDtype; dims: readonly number[] };

/**
 * The outputs of a node whose inputs (those that its row reads) are known.
 *
 * @param inputs undefined where optional and omitted.
 * @param budget pays for what is read and written, before it is.
 * @throws 'onnx-invalid', 'onnx-unsupported' or 'shape', naming the node.
 */
export function foldNode(
  node: OnnxNode,
  inputs: readonly (FoldInput | undefined)[],
  opset: number,
  budget: Budget,
): OnnxTensor[] {
  const row = rowOf(node);
  const algebra = new HostAlgebra((elements) => budget.spend(elements, node));
  const statistics = { useBatch: normalizesByBatch(node), update: () => {} };
  const context = new OpContext<HostTensor>(node, opset, algebra, inputs.map(hostOperand), statistics);
  return naming(node, () =>
    outputsOf(row, context).map((result, i) => {
      const dtype = dtypeOf(row, context, i);
      return { dims: result.shape, dtype, data: inType(result.data, dtype) };
    }),
  );
}

function hostOperand(input: FoldInput | undefined): Operand<HostTensor> | undefined {
  if (!input) return undefined;
  const { dtype, dims } = input;
  const known = 'data' in input ? input : undefined;
  const value = (): HostTensor => {
    if (!known) throw new Error('the row reads an input that it did not declare');
    return { shape: dims, data: known.data };
  };
  return { dtype, shape: dims, known, value };
}

/** The arrays whose conversion is C's: towards zero, then modulo 2^n. */
const NARROW = {
  i8: Int8Array,
  i16: Int16Array,
  i32: Int32Array,
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
} as const;

/** float64 results as the element type holds them; the data itself where that changes nothing. */
function inType(data: HostTensor['data'], dtype: OnnxDtype): OnnxTensor['data'] {
  if (dtype in NARROW) return Float64Array.from(NARROW[dtype as keyof typeof NARROW].from(data));
  const wide = dtype === 'f64' || !isFloat(dtype);
  if (wide === data instanceof Float64Array) return data;
  const out = allocate(dtype, data.length);
  out.set(data);
  return out;
}
