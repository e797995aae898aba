/**
 * Infidelity: how far a map is from saying what perturbations I do to the score, E[(sum_i I_i R_i - (f(x) - f(x - I)))^2].
 * Normalised: R scaled by the beta that fits best. (Yeh et al. 2019, arXiv:1901.09392.) I is Gaussian noise, or, as in
 * their second proposal, a square of the picture itself: what is left there is 0.
 */
import { WgradError } from '../../errors.ts';
import { input } from '../../graph/leaves.ts';
import { sizeOf } from '../../graph/shape.ts';
import type { Model } from '../../model/model.ts';
import { sub } from '../../ops/binary.ts';
import { abortSignal, choice, count, flag, floats, positive, readOptions, whole, type OptionsOf } from '../../options.ts'; // prettier-ignore
import { Random } from '../../random.ts';
import { classScore } from '../score.ts';

const options = {
  samples: count(10, 'perturbations'),
  perturb: choice(['noise', 'squares'], 'noise', 'Gaussian noise, or a square of the picture, of an eighth to half of its sides, set to 0'), // prettier-ignore
  deviation: positive(0.03, 'standard deviation of the noise, in input space'),
  perturbations: floats('the perturbations themselves, [samples,C,H,W]'),
  multipliesInput: flag(false, 'the map is a product with the input (input x gradient, integrated gradients, DeepSHAP), and is divided by it'), // prettier-ignore
  seed: whole(0, 'of the perturbations'),
  batch: count(8, 'perturbed pictures in one run'),
  signal: abortSignal(),
};
/** Options of {@link infidelity}. */
export type InfidelityOptions = OptionsOf<typeof options>;

/** How badly a map predicts what perturbations do to the score. */
export interface Infidelity {
  value: number;
  /** With the map scaled by `beta`, which makes maps of different size comparable. */
  normalized: number;
  beta: number;
  /**
   * `normalized` over the mean square of the changes, which makes pictures comparable too: 0 says all of what happens, 1
   * says nothing, and so does a map that says the opposite. NaN where nothing happens.
   */
  unexplained: number;
}

/** @param map [C,H,W]: by how much the score changes for a unit of each input; with `multipliesInput`, for all of it. */
export async function infidelity(
  model: Model,
  pixels: Float32Array,
  map: Float32Array,
  target: number,
  given: InfidelityOptions = {},
): Promise<Infidelity> {
  const compiled = await compileInfidelity(model, given);
  try {
    return await compiled.run(pixels, map, target);
  } finally {
    compiled.dispose();
  }
}

/** {@link infidelity}, compiled once for many pictures and maps; noise and squares are the same for all. */
export async function compileInfidelity(
  model: Model,
  given: InfidelityOptions = {},
): Promise<{
  run(pixels: Float32Array, map: Float32Array, target: number): Promise<Infidelity>;
  dispose(): void;
}> {
  const { samples, perturb, deviation, perturbations, multipliesInput, seed, batch: limit, signal } = readOptions('infidelity', options, given); // prettier-ignore
  const shape = model.pictureShape;
  const size = sizeOf(shape);
  const total = perturbations ? perturbations.length / size : samples;
  if (!Number.isInteger(total)) {
    throw new WgradError(
      'shape',
      `infidelity: perturbations of ${perturbations!.length} values for pictures of ${size}`,
    );
  }
  // The picture itself comes last.
  const batch = Math.min(limit, total + 1);
  const points = sub(input('picture', [1, ...shape]), input('perturbation', [batch, ...shape]));
  const { outputs } = classScore(model, 'logit')({ input: points });
  const classes = outputs.shape[1]!;
  const program = await model.engine.compile({ outputs: { outputs } }, { signal });
  return {
    async run(pixels, map, target) {
      if (map.length !== size) {
        throw new WgradError('shape', `infidelity: a map of ${map.length} values for pictures of ${size}`);
      }
      const random = new Random(`infidelity ${seed}`);
      const drawn = () => (perturb === 'noise' ? noise(random, size, deviation) : square(random, pixels, shape));
      const predicted = new Float64Array(total);
      const scores = new Float64Array(total + 1);
      for (let first = 0; first <= total; first += batch) {
        const perturbation = new Float32Array(batch * size);
        for (let k = first; k < Math.min(first + batch, total); k++) {
          const p = perturbations?.subarray(k * size, (k + 1) * size) ?? drawn();
          perturbation.set(p, (k - first) * size);
          for (let i = 0; i < size; i++) {
            predicted[k]! += multipliesInput && pixels[i] !== 0 ? (p[i]! / pixels[i]!) * map[i]! : p[i]! * map[i]!;
          }
        }
        const { outputs } = await program.run({ picture: pixels, perturbation }, { signal });
        for (let k = first; k < Math.min(first + batch, total + 1); k++) {
          scores[k] = outputs[(k - first) * classes + target]!;
        }
      }
      const actual = scores.subarray(0, total).map((v) => scores[total]! - v);
      const mean = (term: (k: number) => number) => predicted.reduce((n, _, k) => n + term(k), 0) / total;
      const power = mean((k) => predicted[k]! ** 2);
      const beta = power > 0 ? mean((k) => predicted[k]! * actual[k]!) / power : 0;
      const error = (scale: number) => mean((k) => (scale * predicted[k]! - actual[k]!) ** 2);
      const unexplained = error(Math.max(0, beta)) / error(0);
      return { value: error(1), normalized: error(beta), beta, unexplained };
    },
    dispose: () => program.dispose(),
  };
}

const noise = (random: Random, size: number, deviation: number) =>
  Float32Array.from({ length: size }, () => deviation * random.normal());

/** The picture within a square, 0 elsewhere. */
function square(random: Random, pixels: Float32Array, [c, h, w]: readonly [number, number, number]): Float32Array {
  const share = random.uniform(1 / 8, 1 / 2);
  const side = (extent: number) => Math.max(1, Math.round(share * extent));
  const [rows, columns] = [side(h), side(w)];
  const [top, left] = [random.int(h - rows + 1), random.int(w - columns + 1)];
  const out = new Float32Array(pixels.length);
  for (let line = 0; line < c * h; line++) {
    if (line % h < top || line % h >= top + rows) continue;
    const from = line * w + left;
    out.set(pixels.subarray(from, from + columns), from);
  }
  return out;
}
