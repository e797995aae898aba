import { expect, it } from 'vitest';
import { opsFor } from '../../src/onnx/ops/index.ts';
import { decodeOnnx } from '../../src/onnx/decode.ts';
import { encodeOnnx } from '../../src/onnx/export.ts';
import { model, node, value } from './builder.ts';

const INT64_MAX = { low: -1, high: 2 ** 31 - 1 } as unknown as number;
const INT64_MIN = { low: 0, high: 2 ** 31 } as unknown as number;

it('"to the end" in attributes stays INT64_MAX, and the smallest integer itself', async () => {
  // Until opset 10, Slice had its bounds in attributes.
  const slice = node('Slice', ['x'], ['y'], { axes: [2, 3], starts: [1, INT64_MIN], ends: [INT64_MAX, INT64_MAX] });
  const spec = { opset: 9, nodes: [slice], outputs: [value('y', ['N', 3, 7, 8])] };
  const read = async (bytes: Uint8Array) => {
    const graph = await decodeOnnx(bytes, { supported: opsFor });
    return { graph, attributes: Object.fromEntries(graph.nodes[0]!.attributes) };
  };
  const { graph, attributes } = await read(model(spec));
  expect(attributes).toMatchObject({ starts: { value: [1, -(2 ** 63)] }, ends: { value: [2 ** 63, 2 ** 63] } });
  const saved = encodeOnnx(graph);
  expect((await read(saved)).attributes).toEqual(attributes);
  // The varint of INT64_MAX itself: nothing near it would do for other readers.
  expect(Buffer.from(saved).toString('hex')).toContain('ffffffffffffffff7f');
});
