/** Parametrisations: the transform against a sum of waves, gradients, starts that come back, colours, ranges. */
import { describe, expect, it } from 'vitest';
import type * as ascent from '../../src/ascent/index.ts';
import {
  colourMatrix,
  fourier,
  imagenetColours,
  inputSpace,
  maco,
  magnitudes,
  pixels,
  pyramid,
} from '../../src/ascent/index.ts';
import { aligned, transparent, type Parametrization } from '../../src/ascent/index.ts';
import { spreadOver } from '../../src/ascent/picture/coarse.ts';
import { fromRgb, toRgb } from '../../src/ascent/picture/colours.ts';
import { columnsOf, inverseRealFft, realFft, spectrumIndex, spectrumSize } from '../../src/ascent/picture/fft.ts';
import type { PixelSpace } from '../../src/ascent/picture/space.ts';
import { grad } from '../../src/autograd/grad.ts';
import { constant } from '../../src/graph/leaves.ts';
import { mul } from '../../src/ops/binary.ts';
import { sum } from '../../src/ops/reduce.ts';
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
const onePhoto = photo.subarray(0, 144);

describe('a picture to start from comes back', () => {
  it.each<[string, Parametrization]>([
    ['Fourier', fourier()],
    ['Fourier, clipped, without colours', fourier({ range: 'clip', colours: 'none', decay: 1.5 })],
    ['pixels', pixels()],
    ['input', inputSpace()],
    ['pyramid', pyramid({ levels: 3 })],
    ['aligned', aligned()],
    ['transparent', transparent(pixels())],
  ])('%s', async (_, picture) => {
    expect(compare(await shown(picture, photo), photo).maxAbs).toBeLessThan(1e-5);
  });
});

it('MaCo draws a picture of its set by that picture itself', async () => {
  const picture = maco(magnitudes([onePhoto], [6, 8], { range: 'clip' }), { range: 'clip' });
  expect(compare(await shown(picture, onePhoto, 1), onePhoto).maxAbs).toBeLessThan(1e-5);
});

it('MaCo keeps the mean magnitudes, whatever the phases', async () => {
  const halves = [onePhoto, photo.subarray(144)];
  const of = (picture: Float32Array) => magnitudes([picture], [6, 8]).values;
  const given = magnitudes(halves, [6, 8]);
  expect(compare(given.values, of(halves[0]!).map((m, i) => (m + of(halves[1]!)[i]!) / 2)).maxRel).toBeLessThan(1e-6); // prettier-ignore
  const drawn = of(await shown(maco(given), undefined, 1));
  // Columns 1 to 3 of 0 to 4: what a real picture has of the first and the last is less.
  const inner = (values: Float32Array) => [0, 1, 2].flatMap((c) => [...values.subarray(c * 30 + 6, c * 30 + 24)]);
  expect(compare(inner(drawn), inner(given.values)).maxRel).toBeLessThan(1e-4);
});

it('coarse grids are spread linearly, over places and over pictures', async () => {
  const ramp = constant([0, 4, 8, 12, 100, 104, 108, 112], [2, 1, 1, 4]);
  const { y } = await (await testEngine()).evaluate({ y: spreadOver(ramp, [5, 1, 2, 8]) });
  const row = [0, 1, 3, 5, 7, 9, 11, 12];
  expect([...y]).toEqual([0, 25, 50, 75, 100].flatMap((more) => [...row, ...row].map((v) => v + more)));
  await gradcheck(await testEngine(), { shapes: [[2, 1, 2, 3]], f: (t) => spreadOver(t!, [3, 1, 5, 4]), probes: 12 });
});

it('aligned pictures share what is coarse', async () => {
  const alike = aligned({ shared: [{ divide: 2 }], deviation: 0.5 });
  const alone = fourier({ deviation: 0.5 });
  const raw = async (p: Parametrization) => fromRgb(await shown(p), 3, 48, {});
  const [together, own] = [await raw(alike), await raw(alone)];
  const shared = together.map((v, i) => v - own[i]!);
  expect(compare(shared.subarray(144), shared.subarray(0, 144)).maxAbs).toBeLessThan(1e-3);
  expect(Math.max(...shared)).toBeGreaterThan(0.1);
});

it('what is transparent is seen over a background: a p + (1 - a) b', async () => {
  const {
    pixels: p,
    alpha,
    seen,
    draw,
  } = build(transparent(fourier({ deviation: 2 }), { background: 0, deviation: 1 }));
  const out = await (await testEngine()).evaluate({ p, alpha: alpha!, seen: seen! }, draw!(new Random(1)));
  const wanted = out.p.map((v, i) => {
    const a = out.alpha[48 * Math.floor(i / 144) + (i % 48)]!;
    return a * v + (1 - a) * 0.5;
  });
  expect(compare(out.seen, wanted).maxAbs).toBeLessThan(tolerance.op);
  const [one, two] = [draw!(new Random(1)), draw!(new Random(2))];
  expect(one).not.toEqual(two);
});

describe('the gradient of what is climbed on, by finite differences', () => {
  it.each<[string, Parametrization]>([
    ['pyramid', pyramid({ levels: 2, deviation: 0.5 })],
    ['aligned', aligned({ shared: [{ divide: 2, pictures: 2 }], deviation: 0.5 })],
    ['transparent', transparent(pixels(), { deviation: 0.5 })],
    ['maco', maco(magnitudes([onePhoto], [6, 8]))],
  ])('%s', async (_, picture) => {
    const engine = await testEngine();
    const { variables, pixels: p, seen, draw } = build(picture);
    const y = sum(mul(seen ?? p, constant(spread(288, 9), [2, 3, 6, 8])));
    const gradients = grad(y, variables.map((v) => v.tensor)); // prettier-ignore
    const feeds = draw?.(new Random(3)) ?? {};
    const program = await engine.compile({
      outputs: { y, ...Object.fromEntries(gradients.map((g, i) => [`g${i}`, g])) },
    });
    const at: Record<string, Float32Array> = await program.run(feeds);
    for (const [i, variable] of variables.entries()) {
      const value = await engine.read(variable);
      for (const k of [1, Math.floor(value.length / 2), value.length - 7]) {
        const moved = async (h: number) => {
          await engine.write(variable, value.map((v, j) => (j === k ? v + h : v))); // prettier-ignore
          return (await program.run(feeds)).y![0]!;
        };
        const slope = ((await moved(0.05)) - (await moved(-0.05))) / 0.1;
        expect(Math.abs(slope - at[`g${i}`]![k]!)).toBeLessThan(
          tolerance.finiteDifference * Math.max(1, Math.abs(slope)),
        );
      }
      await engine.write(variable, value);
    }
    program.dispose();
  });
});

it('options that are no options, and magnitudes of another size, are refused', () => {
  const bad = expect.objectContaining({ code: 'invalid-argument' }) as Error;
  expect(() => fourier({ decoy: 1 } as ascent.FourierOptions)).toThrow(bad);
  expect(() => pyramid({ levels: 0 })).toThrow(bad);
  expect(() => aligned({ shared: [{ divide: 0 }] })).toThrow(bad);
  expect(() => transparent(pixels(), { background: -1 })).toThrow(bad);
  expect(() => magnitudes([], [6, 8])).toThrow(bad);
  const shape = expect.objectContaining({ code: 'shape' }) as Error;
  expect(() => magnitudes([onePhoto], [6, 7])).toThrow(shape);
  expect(() => build(maco(magnitudes([onePhoto], [8, 6])))).toThrow(shape);
});

it('each picture has its own start, which does not depend on how many there are', async () => {
  for (const picture of [fourier(), pixels(), inputSpace(), pyramid(), transparent()]) {
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
