/** Parametrisations: the transform against a sum of waves, gradients, starts that come back, colours, ranges. */
import { describe, expect, it } from 'vitest';
import { colourMatrix, fourier, imagenetColours, inputSpace, pixels } from '../../src/ascent/index.ts';
import type { Parametrization } from '../../src/ascent/index.ts';
import { fromRgb, toRgb } from '../../src/ascent/picture/colours.ts';
import { columnsOf, inverseRealFft, realFft, spectrumIndex, spectrumSize } from '../../src/ascent/picture/fft.ts';
import type { PixelSpace } from '../../src/ascent/picture/space.ts';
import { constant } from '../../src/graph/leaves.ts';
import { Random } from '../../src/random.ts';
import { adapters } from '../support/adapters.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck, spread } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';

const sizes: [number, number][] = [[6, 8], [5, 7], [4, 2], [7, 12], [1, 6]]; // prettier-ignore

/** x[i,j] as a sum of waves, in float64. */
function waves(spectrum: ArrayLike<number>, h: number, w: number): number[] {
  return Array.from({ length: h * w }, (_, at) => {
    const [i, j] = [Math.floor(at / w), at % w];
    let sum = 0;
    for (let v = 0; v < columnsOf(w); v++) {
      for (let u = 0; u < h; u++) {
        const a = 2 * Math.PI * ((u * i) / h + (v * j) / w);
        const re = spectrum[spectrumIndex(u, v, 0, h)]!;
        const im = spectrum[spectrumIndex(u, v, 1, h)]!;
        if (v === 0 || 2 * v === w) {
          // The part of the column that a real picture cannot have is left out, as by irfft.
          const b = (2 * Math.PI * u * i) / h;
          sum += (re * Math.cos(b) - im * Math.sin(b)) * Math.cos((2 * Math.PI * v * j) / w);
        } else sum += 2 * (re * Math.cos(a) - im * Math.sin(a));
      }
    }
    return sum / Math.sqrt(h * w);
  });
}

describe.each(adapters)('the inverse real Fourier transform on %s', (_, engine) => {
  it.each(sizes)('%i x %i', async (h, w) => {
    const spectrum = spread(2 * spectrumSize(h, w), 3);
    const x = inverseRealFft(constant(spectrum, [2, spectrumSize(h, w)]), [h, w], 0.5);
    const planes = [0, 1].flatMap((p) => waves(spectrum.subarray(p * spectrumSize(h, w)), h, w).map((v) => v / 2));
    expect(compare((await engine.evaluate({ x })).x, planes).maxRel).toBeLessThan(tolerance.op);
  });
});

it('the transform on the host is its inverse', async () => {
  for (const [h, w] of sizes) {
    const plane = spread(h * w, 5);
    const spectrum = Float32Array.from(realFft(plane, [h, w]));
    const x = inverseRealFft(constant(spectrum, [1, spectrum.length]), [h, w]);
    expect(compare((await (await testEngine()).evaluate({ x })).x, plane).maxRel).toBeLessThan(tolerance.op);
  }
});

it('its gradient, by finite differences', async () => {
  await gradcheck(await testEngine(), {
    shapes: [[2, spectrumSize(5, 6)]],
    f: (s) => inverseRealFft(s!, [5, 6]),
    probes: 12,
  });
});

const space: PixelSpace = { shape: [3, 6, 8], mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.1], known: true, span: 6 };

function build(picture: Parametrization, start?: Float32Array, n = 2) {
  const randoms = Array.from({ length: n }, (_, i) => new Random(`7:${i}`));
  return picture.build({ shape: [n, 3, 6, 8], space, randoms, start });
}
const shown = async (picture: Parametrization, start?: Float32Array, n = 2) =>
  (await (await testEngine()).evaluate({ pixels: build(picture, start, n).pixels })).pixels;

const photo = spread(288, 4).map((v) => 0.5 + 0.45 * v);

describe('a picture to start from comes back', () => {
  it.each<[string, Parametrization]>([
    ['Fourier', fourier()],
    ['Fourier, clipped, without colours', fourier({ range: 'clip', colours: 'none', decay: 1.5 })],
    ['pixels', pixels()],
    ['input', inputSpace()],
  ])('%s', async (_, picture) => {
    expect(compare(await shown(picture, photo), photo).maxAbs).toBeLessThan(1e-5);
  });
});

it('each picture has its own start, which does not depend on how many there are', async () => {
  for (const picture of [fourier(), pixels(), inputSpace()]) {
    const [one, two] = [await shown(picture, undefined, 1), await shown(picture)];
    expect(two.slice(0, 144)).toEqual(one);
    expect(two.slice(144)).not.toEqual(one);
    for (const p of two) expect(p > 0 && p < 1).toBe(true);
  }
});

it('colours are mixed by the matrix, and come back', async () => {
  const raw = spread(24, 2);
  const rgb = toRgb(constant(raw, [2, 3, 2, 2]), {});
  const wanted = Array.from(raw, (_, i) => {
    const [n, d, at] = [Math.floor(i / 12), Math.floor(i / 4) % 3, i % 4];
    const mixed = [0, 1, 2].reduce((s, c) => s + imagenetColours[3 * d + c]! * raw[(3 * n + c) * 4 + at]!, 0);
    return 1 / (1 + Math.exp(-mixed));
  });
  const { y } = await (await testEngine()).evaluate({ y: rgb });
  expect(compare(y, wanted).maxRel).toBeLessThan(tolerance.op);
  expect(compare(fromRgb(y, 3, 4, {}), raw).maxAbs).toBeLessThan(1e-4);
});

it('the matrix of pictures makes independent numbers have their covariance', () => {
  const random = new Random(3);
  const mix = [0.3, 0.1, 0.02, 0.3, 0, -0.06, 0.25, -0.1, 0.05];
  const area = 20_000;
  const picture = new Float32Array(3 * area);
  for (let i = 0; i < area; i++) {
    const z = [random.normal(), random.normal(), random.normal()];
    for (let d = 0; d < 3; d++) picture[d * area + i] = 0.5 + mix[3 * d]! * z[0]! + mix[3 * d + 1]! * z[1]! + mix[3 * d + 2]! * z[2]!; // prettier-ignore
  }
  const m = colourMatrix([picture]);
  const covariance = (a: readonly number[]) => Array.from({ length: 9 }, (_, i) => [0, 1, 2].reduce((s, k) => s + a[3 * Math.floor(i / 3) + k]! * a[3 * (i % 3) + k]!, 0)); // prettier-ignore
  const [found, made] = [covariance(m), covariance(mix)];
  const ratio = made[0]! / found[0]!;
  expect(compare(found.map((v) => v * ratio), made).maxRel).toBeLessThan(0.05); // prettier-ignore
  // Columns are at right angles, the longest first and of length 1.
  expect(Math.hypot(m[0]!, m[3]!, m[6]!)).toBeCloseTo(1, 6);
  expect(m[0]! * m[1]! + m[3]! * m[4]! + m[6]! * m[7]!).toBeCloseTo(0, 6);
});

it('colours of another count are refused', () => {
  expect(() => toRgb(constant([1, 2], [1, 1, 1, 2]), { colours: imagenetColours })).toThrow(
    expect.objectContaining({ code: 'shape' }),
  );
  expect(() => colourMatrix([])).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
});
