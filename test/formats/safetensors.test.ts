import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { WgradError } from '../../src/errors.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts';
import { dataFolder } from '../support/data.ts';

/** A file with any header at all. */
function file(header: unknown, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const errorOf = (bytes: Uint8Array): WgradError => {
  try {
    decodeSafetensors(bytes, 'x.safetensors');
  } catch (error) {
    return error as WgradError;
  }
  throw new Error('no error');
};

describe('safetensors', () => {
  const tensors = {
    f32: { shape: [2, 2], data: Float32Array.of(1.5, -0, NaN, 3e38) },
    u8: { shape: [3], data: Uint8Array.of(0, 7, 255) },
    i64: { shape: [2], data: BigInt64Array.of(-1n, 2n ** 60n) },
    i32: { shape: [], data: Int32Array.of(-5) },
    f64: { shape: [1], data: Float64Array.of(Math.PI) },
    empty: { shape: [0, 4], data: new Float32Array(0) },
  };

  it('reads back what it wrote, bit for bit, unaligned tensors and offset views included', () => {
    const bytes = encodeSafetensors(tensors, { made: 'by a test' });
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    for (const view of [bytes, shifted.subarray(1)]) {
      const back = decodeSafetensors(view);
      expect(back.names).toEqual(Object.keys(tensors));
      expect(back.metadata).toEqual({ made: 'by a test' });
      for (const [name, { shape, data }] of Object.entries(tensors)) {
        expect(back.read(name)).toEqual({ dtype: name === 'empty' ? 'F32' : name.toUpperCase(), shape, data });
      }
    }
  });

  it('widens F16 and BF16 and converts on request', () => {
    const header = {
      h: { dtype: 'F16', shape: [3], data_offsets: [0, 6] },
      b: { dtype: 'BF16', shape: [1], data_offsets: [6, 8] },
    };
    const back = decodeSafetensors(file(header, new Uint8Array(Uint16Array.of(0x3c00, 0xfbff, 0x0001, 0xc040).buffer)));
    expect([...back.floats('h').data]).toEqual([1, -65504, 2 ** -24]);
    expect([...back.floats('b').data]).toEqual([-3]);
    expect([...decodeSafetensors(encodeSafetensors(tensors)).floats('i64').data]).toEqual([-1, 2 ** 60]);
  });

  it('refuses every prefix of a file', () => {
    const bytes = encodeSafetensors(tensors);
    for (let n = 0; n < bytes.length; n++) {
      expect(errorOf(bytes.subarray(0, n)), `prefix of ${n}`).toMatchObject({ code: 'file-format' });
    }
  });

  it.each([
    ['text', new TextEncoder().encode('this is no safetensors file at all'), /header claims/],
    ['no JSON', file('{"a":'), /not JSON/],
    ['a list', file('[]'), /not a JSON object/],
    ['unknown dtype', file({ a: { dtype: 'F8', shape: [1], data_offsets: [0, 1] } }), /'a' has unknown dtype F8/],
    ['inherited dtype', file({ a: { dtype: 'toString', shape: [], data_offsets: [0, 1] } }), /unknown dtype/],
    ['negative extent', file({ a: { dtype: 'U8', shape: [-1], data_offsets: [0, 1] } }), /'a' has a shape/],
    ['absurd extents', file({ a: { dtype: 'F32', shape: [1e15, 1e15], data_offsets: [0, 4] } }), /needs 4e\+30 bytes/],
    ['no offsets', file({ a: { dtype: 'U8', shape: [1] } }), /data_offsets/],
    [
      'offsets outside',
      file({ a: { dtype: 'U8', shape: [4], data_offsets: [0, 4] } }, Uint8Array.of(1)),
      /need 4 bytes/,
    ],
    ['trailing bytes', file({ a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] } }, new Uint8Array(9)), /has 9/],
    [
      'overlap',
      file(
        { a: { dtype: 'U8', shape: [2], data_offsets: [0, 2] }, b: { dtype: 'U8', shape: [2], data_offsets: [1, 3] } },
        new Uint8Array(3),
      ),
      /'b' begins at byte 1/,
    ],
  ])('refuses %s', (_, bytes, message) => {
    const error = errorOf(bytes);
    expect(error).toBeInstanceOf(WgradError);
    expect(error.code).toBe('file-format');
    expect(error.message).toMatch(/^x\.safetensors: /);
    expect(error.message).toMatch(message);
  });

  it('names the tensors there are when asked for another, and takes no notice of Object.prototype', () => {
    const back = decodeSafetensors(encodeSafetensors(tensors), 'x.safetensors');
    expect(() => back.read('nope')).toThrow(/x\.safetensors has no tensor 'nope' \(it has f32, u8/);
    expect(back.has('toString')).toBe(false);
  });

  it('refuses to write a shape that does not fit', () => {
    expect(() => encodeSafetensors({ a: { shape: [3], data: new Float32Array(2) } })).toThrow(
      /'a': 2 values for \[3\]/,
    );
  });

  it.skipIf(!dataFolder)('reads the reference files', () => {
    const back = decodeSafetensors(readFileSync(`${dataFolder}/golden/ops.safetensors`), 'ops.safetensors');
    const index = JSON.parse(readFileSync(`${dataFolder}/golden/ops.json`, 'utf8')) as object;
    expect(back.names.length).toBeGreaterThan(200);
    expect(Object.keys(index).length).toBeGreaterThan(0);
    for (const name of back.names) {
      const { shape, data } = back.read(name);
      expect(data.length, name).toBe(shape.reduce((n, d) => n * d, 1));
    }
  });
});
