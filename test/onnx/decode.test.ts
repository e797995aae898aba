import { describe, expect, it } from 'vitest';
import { WgradError } from '../../src/errors.ts';
import { decodeOnnx } from '../../src/onnx/decode.ts';
import { opsFor } from '../../src/onnx/ops/index.ts';
import { encode, f32, i64, model, node, pattern, smallSpec, value } from './builder.ts';

const decode = (bytes: Uint8Array) => decodeOnnx(bytes, { supported: opsFor });

async function failure(bytes: Uint8Array): Promise<WgradError> {
  const error = await decode(bytes).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(WgradError);
  return error as WgradError;
}

/** The small model with one more initialiser, read by nobody. */
const withTensor = (tensor: object) =>
  model({ ...smallSpec(), initializers: [...smallSpec().initializers!, { name: 't', ...tensor }] });

describe('initialisers in every stored form', () => {
  const bytes = (array: ArrayLike<number> & { buffer: ArrayBufferLike }) => new Uint8Array(array.buffer);
  it.each([
    ['raw f32', { dataType: 1, rawData: bytes(Float32Array.of(1.5, -2)) }, [1.5, -2]],
    ['raw f16', { dataType: 10, rawData: bytes(Uint16Array.of(0x3e00, 0xc000)) }, [1.5, -2]],
    [
      'raw f16 subnormal and infinity',
      { dataType: 10, rawData: bytes(Uint16Array.of(1, 0x7c00)) },
      [2 ** -24, Infinity],
    ],
    ['raw bf16', { dataType: 16, rawData: bytes(Uint16Array.of(0x3fc0, 0xc000)) }, [1.5, -2]],
    ['raw f64', { dataType: 11, rawData: bytes(Float64Array.of(0.1, -2)) }, [0.1, -2]],
    ['raw i32', { dataType: 6, rawData: bytes(Int32Array.of(7, -7)) }, [7, -7]],
    ['raw u8', { dataType: 2, rawData: Uint8Array.of(7, 255) }, [7, 255]],
    ['raw i8', { dataType: 3, rawData: Uint8Array.of(7, 255) }, [7, -1]],
    ['raw bool', { dataType: 9, rawData: Uint8Array.of(0, 1) }, [0, 1]],
    ['float_data', { dataType: 1, floatData: [1.5, -2] }, [1.5, -2]],
    ['double_data', { dataType: 11, doubleData: [0.1, -2] }, [0.1, -2]],
    ['int32_data', { dataType: 6, int32Data: [7, -7] }, [7, -7]],
    ['f16 in int32_data', { dataType: 10, int32Data: [0x3e00, 0xc000] }, [1.5, -2]],
    ['bool in int32_data', { dataType: 9, int32Data: [0, 1] }, [0, 1]],
    ['int64_data', { dataType: 7, int64Data: [7, -7] }, [7, -7]],
    ['u64 in uint64_data', { dataType: 13, uint64Data: [7, 9] }, [7, 9]],
  ])('%s', async (_, tensor, expected) => {
    const graph = await decode(withTensor({ ...tensor, dims: [2] }));
    expect([...graph.initializers.get('t')!.data]).toEqual(expected);
  });

  it('raw i64 beyond 2^53 saturates like any other marker', async () => {
    const graph = await decode(withTensor({ dims: [1], dataType: 7, rawData: new Uint8Array(8).fill(255, 0, 7).fill(127, 7) })); // prettier-ignore
    expect(graph.initializers.get('t')!.data[0]).toBe(2 ** 63);
  });

  it('raw_data at every alignment within the file', async () => {
    for (let pad = 0; pad < 4; pad++) {
      const spec = smallSpec();
      const graph = await decode(model({ ...spec, metadata: {}, nodes: [node('Relu', ['x'], ['u'], {}, 'n'.repeat(1 + pad)), ...spec.nodes!] })); // prettier-ignore
      expect(graph.initializers.get('fc.bias')!.data).toEqual(pattern(2, 'fc.bias'.length + 1));
    }
  });
});

describe('tensors that cannot be', () => {
  it.each([
    ['too few bytes', { dims: [3], dataType: 1, rawData: new Uint8Array(8) }, 'onnx-invalid', '12 bytes'],
    ['too many bytes', { dims: [1], dataType: 1, rawData: new Uint8Array(8) }, 'onnx-invalid', '4 bytes'],
    ['too few floats', { dims: [3], dataType: 1, floatData: [1] }, 'onnx-invalid', '3 elements'],
    ['a negative dimension', { dims: [-1, 4], dataType: 1, rawData: new Uint8Array(4) }, 'onnx-invalid', '[-1, 4]'],
    ['an absurd dimension', { dims: [2 ** 40], dataType: 1, rawData: new Uint8Array(4) }, 'onnx-invalid', "'t'"],
    ['absurd dims together', { dims: [2 ** 30, 2 ** 30, 2 ** 30], dataType: 1, rawData: new Uint8Array(4) }, 'onnx-invalid', "'t'"], // prettier-ignore
    ['absurd dims without bytes', { dims: [2 ** 30, 2 ** 30], dataType: 1 }, 'onnx-invalid', "'t'"],
    ['strings', { dims: [1], dataType: 8, stringData: [Uint8Array.of(65)] }, 'onnx-unsupported', 'data type 8'],
    ['no data type', { dims: [1], rawData: new Uint8Array(4) }, 'onnx-unsupported', "'t'"],
  ])('%s', async (_, tensor, code, part) => {
    const error = await failure(withTensor(tensor));
    expect(error.code).toBe(code);
    expect(error.message).toContain(part);
  });
});

describe('graphs that cannot be', () => {
  it('lists duplicates, undefined inputs, cycles, missing outputs and unknown ops in one error', async () => {
    const error = await failure(
      model({
        nodes: [
          node('Relu', ['x'], ['a'], {}, 'first'),
          node('Relu', ['x'], ['a'], {}, 'again'),
          node('Conv', ['x', 'lost.weight'], ['c'], {}, 'hungry'),
          node('Add', ['p', 'q'], ['q'], {}, 'loop1'),
          node('Relu', ['q'], ['p'], {}, 'loop2'),
          node('Wavelet', ['x'], ['w'], {}, 'odd1'),
          node('Wavelet', ['x'], ['w2'], {}, 'odd2'),
          { ...node('Relu', ['x'], ['z'], {}, 'foreign'), domain: 'com.example' },
        ],
        initializers: [f32('twice', [1]), f32('twice', [1])],
      }),
    );
    expect(error.code).toBe('onnx-invalid');
    for (const part of [
      "'twice'",
      "'a'",
      "'again'",
      "'lost.weight'",
      "'hungry'",
      "'loop1'",
      "'loop2'",
      "'y'",
      'Wavelet',
      "'odd1'",
      "'odd2'",
      'com.example::Relu',
      "'foreign'",
    ])
      // prettier-ignore
      expect(error.message).toContain(part);
  });

  it('unknown ops alone are unsupported, not invalid', async () => {
    const error = await failure(model({ nodes: [node('Einsum', ['x'], ['e'], {}, 'n1'), node('NonZero', ['e'], ['y'], {}, 'n2')] })); // prettier-ignore
    expect(error.code).toBe('onnx-unsupported');
    expect(error.message).toMatch(/Einsum \('n1'\).*NonZero \('n2'\)/);
  });

  it.each([6, 29, 0])('operator set %i is refused', async (opset) => {
    expect((await failure(model({ ...smallSpec(), opset }))).code).toBe('onnx-unsupported');
  });

  it('an empty graph, no graph, no operator set', async () => {
    expect((await failure(model({}))).code).toBe('onnx-invalid');
    expect((await failure(encode({ irVersion: 8, opsetImport: [{ version: 13 }] }))).code).toBe('onnx-parse');
    expect((await failure(encode({ irVersion: 8, graph: {} }))).code).toBe('onnx-parse');
    expect((await failure(new Uint8Array())).code).toBe('onnx-parse');
    expect((await failure(new TextEncoder().encode('<!doctype html><title>404</title>'))).code).toBe('onnx-parse');
  });

  it('nodes in any order are sorted', async () => {
    const spec = smallSpec();
    const graph = await decode(model({ ...spec, nodes: [...spec.nodes!].reverse() }));
    expect(graph.nodes.map((n) => n.name)).toEqual(['c', 'r', 'gap', 'fl', 'g']);
  });

  it('initialisers that are also listed as inputs (IR version 3) are not inputs', async () => {
    const spec = smallSpec();
    const graph = await decode(model({ ...spec, irVersion: 3, inputs: [value('x', ['N', 3, 8, 8]), value('fc.bias', [2])] })); // prettier-ignore
    expect(graph.inputs.map((input) => input.name)).toEqual(['x']);
  });

  it('a dimension of 0 means unknown', async () => {
    const graph = await decode(model({ ...smallSpec(), inputs: [value('x', [0, 3, 8, 8])] }));
    expect(graph.inputs[0]!.dims).toEqual(['', 3, 8, 8]);
  });
});

describe('damaged bytes', () => {
  it('every prefix is a parse or shape error, or the whole graph', async () => {
    const bytes = model(smallSpec());
    let whole = 0;
    for (let length = 0; length < bytes.length; length++) {
      const result = await decode(bytes.subarray(0, length)).catch((e: unknown) => e);
      if (result instanceof WgradError)
        expect(['onnx-parse', 'onnx-invalid', 'onnx-unsupported']).toContain(result.code);
      else {
        expect((result as { nodes: unknown[] }).nodes).toHaveLength(5);
        whole++;
      }
    }
    // Only a cut inside or right before the trailing metadata leaves a whole graph.
    expect(whole).toBeLessThanOrEqual(1);
  });

  it('3000 seeded mutations give a graph or a WgradError, nothing else', async () => {
    const original = model({ ...smallSpec(), nodes: [...smallSpec().nodes!, node('Constant', [], ['k'], { value: i64('v', [2], [1, 2]) }, 'k')] }); // prettier-ignore
    let state = 12345;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      const bytes = original.slice();
      for (let n = 1 + random(4); n > 0; n--) bytes[random(bytes.length)] = random(256);
      const error = await decode(bytes).then(
        () => undefined,
        (e: unknown) => e,
      );
      if (error !== undefined) {
        expect(error).toBeInstanceOf(WgradError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(300);
  });

  it('deep nesting is skipped by its length, or a parse error: never a stack overflow', async () => {
    // ModelProto.graph(7) { node(1) { attribute(5) { g(6) { node … } } } }, 30,000 times: written from the inside out.
    const chunks: number[][] = [];
    let size = 0;
    const wrap = (field: number) => {
      const length: number[] = [];
      for (let rest = size; ; rest >>>= 7) {
        length.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) break;
      }
      const head = [(field << 3) | 2, ...length];
      chunks.push(head);
      size += head.length;
    };
    for (let depth = 0; depth < 30000; depth++) [6, 5, 1].forEach(wrap);
    wrap(7);
    const error = await failure(Uint8Array.from(chunks.reverse().flat()));
    expect(error.code).toBe('onnx-parse');
  });
});
