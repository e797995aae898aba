/**
 * Shapley values of segments from random orders: what each segment adds when it appears, averaged over orders that are
 * walked forwards and backwards. (Castro, Gomez, Tejada 2009; antithetic pairs: Mitchell et al. 2022, arXiv:2104.12199;
 * permutation-shap is shap's PermutationExplainer, sampling-shap its SamplingExplainer without the second round.)
 */
import { count, whole } from '../../options.ts';
import { Random } from '../../random.ts';
import { noError, standardError } from '../errors.ts';
import { compileGame, expectedPlayers, gameOptions, type Shares } from '../shapley/game.ts';
import { meanContributions, sampleOrders, walkOrders, type Contributions } from '../shapley/walks.ts';
import { defineMethod } from '../types.ts';

export const permutationShap = defineMethod({
  summary: 'what each segment adds to the score, averaged over random orders in which segments appear',
  options: {
    ...gameOptions,
    permutations: count(10, 'orders, each forwards and backwards (shap: 10)'),
    seed: whole(0, 'of the orders'),
  },
  target: 'one',
  cost: ({ permutations, ...given }) => ({ forwards: 2 + 2 * permutations * (expectedPlayers(given) - 1) }),
  compile: (model, score, { permutations, seed, ...given }, control) =>
    compileGame('permutation-shap', model, score, given, control, {
      coalitions(players) {
        const random = new Random(`permutation-shap ${seed}`);
        const all = Array.from({ length: players }, (_, i) => i);
        return walkOrders(
          players,
          Array.from({ length: permutations }, () => random.shuffle(all)),
        );
      },
      soFar,
      shares,
    }),
});

export const samplingShap = defineMethod({
  summary: 'what each segment adds to the score, averaged over random orders drawn for each segment by itself',
  options: {
    ...gameOptions,
    samples: count(10, 'orders for each segment, each forwards and backwards'),
    seed: whole(0, 'of the orders'),
  },
  target: 'one',
  cost: ({ samples, ...given }) => ({ forwards: 2 + 4 * samples * expectedPlayers(given) }),
  compile: (model, score, { samples, seed, ...given }, control) =>
    compileGame('sampling-shap', model, score, given, control, {
      coalitions: (players) => sampleOrders(players, samples, new Random(`sampling-shap ${seed}`)),
      soFar,
      shares(scores, contributions) {
        const raw = shares(scores, contributions);
        return { ...raw, values: summingTo(scores[1]! - scores[0]!, raw.values, variances(scores, contributions)) };
      },
    }),
});

function shares(scores: Float64Array, contributions: Contributions): Shares {
  const { means, squares } = meanContributions(scores, contributions);
  const { samples } = contributions;
  const error = samples > 1 ? standardError(means, squares, samples) : noError('one order has no spread');
  return { values: means, intercept: scores[0]!, error };
}

const soFar = (scores: Float64Array, contributions: Contributions, done: number) =>
  meanContributions(scores, contributions, done).means;

function variances(scores: Float64Array, contributions: Contributions): Float64Array {
  const { means, squares } = meanContributions(scores, contributions);
  return means.map((m, i) => Math.max(0, squares[i]! - m * m));
}

/** The values that add up to `total`: those that vary more give more. */
function summingTo(total: number, values: Float64Array, variance: Float64Array): Float64Array {
  const lack = total - values.reduce((a, b) => a + b, 0);
  const all = variance.reduce((a, b) => a + b, 0);
  return values.map((v, i) => v + lack * (all > 0 ? variance[i]! / all : 1 / values.length));
}
