/** A map in one call is what drawMap makes of the picture as the model sees it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resnetGraph } from '../../../scripts/resnet.ts';
import { draw, drawMap, mapSvg, type Attribution, type DrawnCanvas } from '../../../src/explain/index.ts';
import { encodePng } from '../../../src/image/index.ts';
import { resizeAndCrop, toImage } from '../../../src/image/preprocess.ts';
import { Model } from '../../../src/model/model.ts';
import { encodeOnnx } from '../../../src/onnx/export.ts';
import { importOnnx } from '../../../src/onnx/network.ts';
import { testEngine } from '../../support/engine.ts';
import { elements } from '../../support/markup.ts';

const SIDE = 16;
const photo = { width: 20, height: 16, data: Uint8ClampedArray.from({ length: 960 }, (_, i) => (i * 37) % 256) };
const map: Attribution = {
  method: 'integrated-gradients',
  map: Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => Math.sin(i)),
  shape: [3, SIDE, SIDE],
  target: 1,
  label: 'dog & cat',
  score: 3.25,
  error: { kind: 'completeness', sum: 2, difference: 2, gap: 0, relativeGap: 0.0123 },
};

/** What `draw` needs of a canvas, which Node has none of. */
function canvasOf(has2d = true) {
  let painted: Uint8ClampedArray | undefined;
  const context = {
    createImageData: (width: number, height: number) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) }), // prettier-ignore
    putImageData: ({ data }: ImageData) => void (painted = data),
  };
  const canvas = { width: 300, height: 150, getContext: () => (has2d ? context : null) };
  return { canvas: canvas as unknown as DrawnCanvas, painted: () => painted };
}

/** As it is read, lines joined. */
const wordsOf = (svg: string) => svg.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');

describe('a map in one call', () => {
  let model: Model;
  beforeAll(async () => {
    const file = resnetGraph({ widths: [4], blocks: [1], strides: [1], stem: 8, side: SIDE, classes: ['a', 'dog & cat'], mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3], seed: 3 }); // prettier-ignore
    model = new Model(await testEngine(), await importOnnx(encodeOnnx(file)));
  });
  afterAll(() => model.dispose());

  it('on a canvas over a photograph, cropped as the model crops it', async () => {
    const { canvas, painted } = canvasOf();
    const seen = resizeAndCrop(photo, model.preprocess!, { width: SIDE, height: SIDE });
    const expected = drawMap(seen, map, { opacity: 0.5 });
    const png = await encodePng(photo);
    for (const over of [photo, png, new Blob([png as Uint8Array<ArrayBuffer>])]) {
      expect(await draw(canvas, map, { over, model, opacity: 0.5 })).toEqual(expected);
      expect(painted()).toEqual(expected.picture.data);
    }
    expect([canvas.width, canvas.height]).toEqual([SIDE, SIDE]);
  });

  it('over the values that were explained, over pixels of its proportions, and alone', async () => {
    const { canvas } = canvasOf();
    const values = await model.pixels(photo);
    const seen = toImage(values, { width: SIDE, height: SIDE }, model.preprocess!);
    const over = drawMap(seen, map);
    expect(await draw(canvas, map, { over: values, model })).toEqual(over);
    expect(await draw(canvas, map, { over: seen })).toEqual(over);
    expect(await draw(canvas, map)).toEqual(drawMap(undefined, map, { mode: 'heat' }));
    // A layer's map of 5 x 4 cells: the photograph's own proportions.
    const cells: Attribution = { ...map, map: new Float32Array(20).fill(1), shape: [1, 4, 5] };
    expect((await draw(canvas, cells, { over: photo })).picture).toMatchObject({ width: 20, height: 16 });
  });

  it('is refused by name, and the canvas stays as it was', async () => {
    const { canvas, painted } = canvasOf();
    const failure = (options: Parameters<typeof draw>[2], on = canvas) => draw(on, map, options).then(() => '', (e: { code: string }) => e.code); // prettier-ignore
    expect(await failure({ over: photo })).toBe('shape');
    expect(await failure({ over: 'cat.jpg' })).toBe('invalid-argument');
    expect(await failure({ over: new Float32Array(768) })).toBe('invalid-argument');
    expect(await failure({ over: new Float32Array(7), model })).toBe('shape');
    expect(await failure({ mode: 'masked' })).toBe('invalid-argument');
    expect(await failure({ over: photo, model, opacity: 2 })).toBe('invalid-argument');
    expect(await failure({}, canvasOf(false).canvas)).toBe('invalid-argument');
    expect([canvas.width, canvas.height, painted()]).toEqual([300, 150, undefined]);
  });

  it('as an SVG with what it explains, its colours and its error figure', async () => {
    const text = await mapSvg(map, { over: photo, model, width: 320 });
    expect(elements(text)).toBeGreaterThan(5);
    expect(text).toMatch(/<image [^>]*width="320" height="320"/);
    for (const part of ['integrated-gradients', 'dog &#38; cat: score 3.25', 'Red speaks for dog &#38; cat', 'ompleteness gap']) expect(wordsOf(text)).toContain(part); // prettier-ignore
    expect(text).toContain('url(#wgrad-diverging)');
    const masked = await mapSvg(map, { over: photo, model, mode: 'masked' });
    expect(wordsOf(masked)).toContain('dark where it counts little');
    expect(masked).not.toContain('url(#wgrad-');
  });
});
