/** Other forms of the file: BatchNorm folded, weights in float16. onnxruntime's word on them: scripts/check-export.py. */
import { describe, expect, it } from 'vitest';
import { f16ToF32, f32ToF16 } from '../../src/formats/half.ts';
import { Model } from '../../src/model/model.ts';
import { importOnnx } from '../../src/onnx/network.ts';
import { Random } from '../../src/random.ts';
import { tinyModel, tinyPictures } from '../support/tiny.ts';
import { testEngine } from '../support/engine.ts';
import { compare, tolerance } from '../tolerance.ts';

const each = 3 * 16 * 16;

/** A tuned model: no parameter is the file's. */
async function moved(): Promise<Model> {
  const model = await tinyModel();
  const random = new Random('moved');
  for (const { variable } of model.network.parameters.values()) {
    const values = await model.engine.read(variable);
    await model.engine.write(variable, values.map((v) => v * random.uniform(0.8, 1.2))); // prettier-ignore
  }
  return model;
}

const load = async (bytes: Uint8Array) => new Model(await testEngine(), await importOnnx(bytes));
const logits = async (model: Model) => (await model.run(tinyPictures.slice(0, 4 * each))).logits;

describe('saveOnnx', () => {
  it('folds BatchNorm into the convolutions before it, with the parameters of now', async () => {
    using model = await moved();
    const wanted = await logits(model);
    using folded = await load(await model.saveOnnx({ foldBatchNorm: true }));
    const { ir } = folded.network as unknown as { ir: { nodes: { opType: string }[]; opset: number } };
    expect(ir.nodes.filter((n) => n.opType === 'BatchNormalization')).toHaveLength(0);
    expect(ir.opset).toBe((model.network as unknown as { ir: { opset: number } }).ir.opset);
    expect([...folded.network.parameters.keys()].filter((name) => name.startsWith('conv1'))).toEqual(['conv1.weight', 'conv1.bias']); // prettier-ignore
    expect(compare(await logits(folded), wanted).maxAbs).toBeLessThan(tolerance.logits);
    // The model itself is as it was.
    expect(await logits(model)).toEqual(wanted);
  });

  it('stores weights as float16 under their names; they compute as what they were rounded to', async () => {
    using model = await moved();
    const plain = await model.saveOnnx();
    for (const foldBatchNorm of [false, true]) {
      const bytes = await model.saveOnnx({ weights: 'float16', foldBatchNorm });
      expect(bytes.length).toBeLessThan(0.9 * plain.length);
      using half = await load(bytes);
      const state = await half.state();
      const before = await model.state();
      if (!foldBatchNorm) {
        expect([...state.keys()].sort()).toEqual([...before.keys()].sort());
        const rounded = before.get('fc.weight')!.map((v) => f16ToF32(f32ToF16(v)));
        expect(state.get('fc.weight')).toEqual(rounded);
        expect(state.get('fc.bias')).toEqual(before.get('fc.bias'));
      }
      const error = compare(await logits(half), await logits(model)).maxAbs;
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(tolerance.half);
    }
  });

  it('keeps what float16 has no room for, and takes entries of the metadata', async () => {
    using model = await tinyModel();
    const { variable } = model.parameter('fc.weight');
    const values = (await model.engine.read(variable)).fill(70000, 0, 1);
    await model.engine.write(variable, values);
    using half = await load(await model.saveOnnx({ weights: 'float16', metadata: { training: '{"epochs":3}' } }));
    expect((await half.state()).get('fc.weight')).toEqual(values);
    expect(half.network.metadata.get('training')).toBe('{"epochs":3}');
    await expect(model.saveOnnx({ weights: 'float8' as never })).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(model.saveOnnx({ metadata: { training: 3 as never } })).rejects.toThrow(/metadata/);
  });
});

describe('float16', () => {
  it('takes every value back to its bits, and rounds to the nearest, ties to even', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = f16ToF32(bits);
      if (!Number.isNaN(value)) expect(f32ToF16(value)).toBe(bits);
    }
    expect(Number.isNaN(f16ToF32(f32ToF16(NaN)))).toBe(true);
    const random = new Random('half');
    for (let k = 0; k < 2000; k++) {
      const bits = random.int(0x7bff);
      const [low, high] = [f16ToF32(bits), f16ToF32(bits + 1)];
      const middle = (low + high) / 2;
      expect(f32ToF16(middle)).toBe(bits + (bits % 2));
      expect(f32ToF16(low + 0.49 * (high - low))).toBe(bits);
      expect(f32ToF16(-(low + 0.51 * (high - low)))).toBe(0x8000 | (bits + 1));
    }
    expect([65519, 65520, 1e-9, 2 ** -25, 1.01 * 2 ** -25].map(f32ToF16)).toEqual([0x7bff, 0x7c00, 0, 0, 1]);
  });
});
