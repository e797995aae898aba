/** What is measured of every map, each by its own function of the metrics: one row a measure. */
import type { Model } from '../../model/model.ts';
import type { Explainer } from '../explainer.ts';
import { methodInfo } from '../figures/values.ts';
import { compileMuFidelity, sensitivityMax } from '../metrics/fidelity.ts';
import { compileInfidelity } from '../metrics/infidelity.ts';
import { maskScore, pointingGame } from '../metrics/pointing.ts';
import { compileRemoval } from '../metrics/removal.ts';
import { road } from '../metrics/road.ts';
import { sparseness } from '../metrics/similarity.ts';
import { sensitivity, type Attribution } from '../types.ts';

/** A map with what it is of. */
export interface Measured {
  explainer: Explainer;
  pixels: Float32Array;
  attribution: Attribution;
  /** One value a pixel as the method is meant to be read, [H,W]. */
  map: Float32Array;
  target: number;
  /** The object, [H,W]; above one half is inside. */
  mask: ArrayLike<number> | undefined;
}

/** One measure of how far maps can be trusted. */
export interface Measure {
  /** In one line, for pages. */
  what: string;
  /** Which values speak for the map; undefined where neither does. */
  better?: 'high' | 'low';
  /** Needs to know where the object is. */
  needsMask?: true;
  /** NaN where it says nothing of this map. */
  compile(model: Model, options: MeasureOptions): Promise<Compiled>;
}

export interface MeasureOptions {
  signal?: AbortSignal | undefined;
  seed: number;
  /** Of sensitivity-max. */
  neighbours: number;
}

interface Compiled {
  of(m: Measured): number | Promise<number>;
  dispose?(): void;
}

const plain = (of: (m: Measured) => number) => () => Promise.resolve({ of });

const removal =
  (what: 'insertion' | 'deletion') =>
  async (model: Model, { signal }: MeasureOptions) => {
    const compiled = await compileRemoval(what, model, { signal });
    return {
      of: async ({ pixels, map, target }: Measured) => (await compiled.run(pixels, map, target)).auc,
      dispose: () => compiled.dispose(),
    };
  };

/** What each input adds, [C,H,W]: slopes times the input, and of a map that does not tell channels apart an equal part. */
function contributionsOf(
  { pixels, attribution: { method, map, shape }, map: read }: Measured,
  { pictureShape }: Model,
) {
  if (shape.join() !== pictureShape.join()) return pixels.map((_, i) => read[i % read.length]! / pictureShape[0]);
  return methodInfo(method).display === sensitivity ? map.map((v, i) => v * pixels[i]!) : map;
}

/** The measures by name. */
export const measures = {
  pointing: {
    what: 'how often the highest pixel lies on the object',
    better: 'high',
    needsMask: true,
    compile: plain(({ map, mask }) => Number(pointingGame(map, mask!))),
  },
  energy: {
    what: 'share of the positive attribution on the object',
    better: 'high',
    needsMask: true,
    compile: plain(({ map, mask }) => maskScore(map, mask!).share),
  },
  auc: {
    what: 'how often a pixel of the object outranks one outside; 0.5 is chance',
    better: 'high',
    needsMask: true,
    compile: plain(({ map, mask }) => maskScore(map, mask!).auc),
  },
  insertion: {
    what: 'area under the probability as the best pixels come, into the blurred picture',
    better: 'high',
    compile: removal('insertion'),
  },
  deletion: {
    what: 'area under the probability as the best pixels go',
    better: 'low',
    compile: removal('deletion'),
  },
  road: {
    what: 'change of the logit as the best fifth of the pixels is filled in from its surroundings',
    better: 'low',
    compile: (model, { signal, seed }) =>
      Promise.resolve({
        of: async ({ pixels, map, target }) => (await road(model, pixels, map, target, { signal, seed })).change,
      }),
  },
  'mu-fidelity': {
    what: 'correlation of what hidden regions add up to with the fall of the score',
    better: 'high',
    async compile(model, { signal, seed }) {
      const compiled = await compileMuFidelity(model, { signal, seed, samples: 64 });
      return {
        of: ({ pixels, map, target }) => compiled.run(pixels, map, target),
        dispose: () => compiled.dispose(),
      };
    },
  },
  infidelity: {
    what: 'share of what hiding squares does to the score that the map, scaled, does not foresee',
    better: 'low',
    async compile(model, { signal, seed }) {
      const compiled = await compileInfidelity(model, { perturb: 'squares', samples: 64, multipliesInput: true, signal, seed }); // prettier-ignore
      return {
        of: async (m) => (await compiled.run(m.pixels, contributionsOf(m, model), m.target)).unexplained,
        dispose: () => compiled.dispose(),
      };
    },
  },
  sensitivity: {
    what: 'largest relative change of the map among neighbours of the picture',
    better: 'low',
    compile: (_, { signal, seed, neighbours }) =>
      Promise.resolve({
        of: async ({ explainer, pixels, target }) =>
          (await sensitivityMax(explainer, pixels, { samples: neighbours, target, signal, seed })).value,
      }),
  },
  'own-error': {
    what: "the map's own error figure: completeness gap or standard error, relative",
    better: 'low',
    compile: plain(({ attribution: { error } }) => {
      if (error.kind === 'completeness') return error.relativeGap;
      return error.kind === 'standard-error' ? error.relative : NaN;
    }),
  },
  sparseness: {
    what: 'Gini index of the magnitudes: 0 is even, 1 a single pixel',
    compile: plain(({ map }) => sparseness(map)),
  },
} satisfies Record<string, Measure>;

/** Name of a measure. */
export type MeasureName = keyof typeof measures;
/** All names of {@link MeasureName}. */
export const measureNames = Object.keys(measures) as MeasureName[];
export const measureOf = (name: MeasureName): Measure => measures[name];
/** Every one but sensitivity, which costs as many maps more as there are neighbours. */
export const defaultMeasures = measureNames.filter((name) => name !== 'sensitivity');
