/**
 * What reading and building one model may cost. A kilobyte of nodes can ask for gigabytes of constants, one doubling at
 * a time, each of a size that alone is no fault; so there is one purse for all of them, and it grows with what the file
 * really holds.
 */
import { WgradError } from '../errors.ts';
import { elements, type OnnxGraph, type OnnxNode } from './types.ts';

/** The largest networks in use have some 20,000 nodes. */
export const MAX_NODES = 100_000;

/** Shape arithmetic and masks need less; 4 million elements are read and written well within a second. */
const BASE = 2 ** 22;

/** Elements read and written for each stored one: weights that are standardised or dequantised pass some 20 ops. */
const PER_STORED = 64;

/** What one op may read and write, or multiply: it is one piece of work, which no signal interrupts. */
const AT_ONCE = 2 ** 28;

export class Budget {
  private left: number;

  /** @param limit elements that may be read and written in all. */
  constructor(readonly limit: number) {
    this.left = limit;
  }

  /** For one build of a graph: grows with its initialisers and Constant nodes. */
  static of(graph: OnnxGraph): Budget {
    let stored = 0;
    for (const tensor of graph.initializers.values()) stored += elements(tensor.dims);
    for (const node of graph.nodes)
      for (const attribute of node.attributes.values())
        if (attribute.type === 'tensor') stored += attribute.value.data.length;
    return new Budget(BASE + PER_STORED * stored);
  }

  /**
   * Takes what a node reads and writes, before it does.
   * @throws 'onnx-invalid' naming the node whose constants are too many.
   */
  spend(elements: number, node: OnnxNode): void {
    this.left -= elements;
    // Not `left < 0`: NaN and infinity must not pass.
    if (this.left >= 0 && elements <= AT_ONCE) return;
    const reason =
      elements > AT_ONCE
        ? `a constant takes ${elements} steps to compute; at most ${AT_ONCE} are taken`
        : `the constants up to here hold over ${this.limit} elements`;
    throw new WgradError('onnx-invalid', `node '${node.name}' (${node.opType}): ${reason}`, {
      remedy: 'Simplify the model before export (onnxsim), so that constants are stored and not computed',
    });
  }
}
