/**
 * KernelSHAP: Shapley values of segments as the weights of a linear model of the score, fitted to coalitions with the
 * Shapley kernel and made to add up to v(all) - v(nothing). (Lundberg and Lee 2017, arXiv:1705.07874.) Where coalitions
 * are drawn, the error figure is the standard error of the values, by the jackknife.
 */
import { WgradError } from '../../errors.ts';
import { choice, count, whole } from '../../options.ts';
import { Random } from '../../random.ts';
import { completeness } from '../errors.ts';
import { kernelCoalitions } from '../shapley/coalitions.ts';
import { compileGame, expectedPlayers, gameOptions } from '../shapley/game.ts';
import { kernelErrors, kernelValues } from '../shapley/values.ts';
import { defineMethod, type MapError } from '../types.ts';

const links = {
  identity: (v: number) => v,
  logit(v: number): number {
    if (v > 0 && v < 1) return Math.log(v / (1 - v));
    throw new WgradError('invalid-argument', `kernel-shap: the score ${v} of a coalition has no log-odds`, {
      remedy: "The logit link is for probabilities between 0 and 1: output: 'probability'",
    });
  },
};

/** shap's default number of coalitions. */
const samplesFor = (players: number) => 2 * players + 2048;

export const kernelShap = defineMethod({
  summary: 'what each segment adds to the score, by a linear model of many pictures with segments hidden',
  options: {
    ...gameOptions,
    samples: count(undefined, 'coalitions (default 2 M + 2048 for M segments, as shap; all of them where there are fewer)'), // prettier-ignore
    numFeatures: count(undefined, 'how many segments get a value, those that enter first along the least-angle path: num_features(k) of shap, whose default is 10 (default: all)'), // prettier-ignore
    link: choice(['identity', 'logit'], 'identity', 'what is linear in the segments: the score or its log-odds'),
    seed: whole(0, 'of the coalitions'),
  },
  target: 'one',
  cost(given) {
    const players = expectedPlayers(given);
    return { forwards: Math.min(given.samples ?? samplesFor(players), 2 ** players - 2) + 2 };
  },
  compile: (model, score, { samples, numFeatures, link, seed, ...given }, control) =>
    compileGame('kernel-shap', model, score, given, control, {
      coalitions: (players) =>
        kernelCoalitions(players, samples ?? samplesFor(players), new Random(`kernel-shap ${seed}`)),
      soFar: (scores, coalitions, count) =>
        kernelValues(scores.subarray(0, count).map(links[link]), { ...coalitions, count }, numFeatures),
      shares(scores, coalitions) {
        const linked = scores.map(links[link]);
        const values = kernelValues(linked, coalitions, numFeatures);
        if (!values) {
          throw new WgradError(
            'invalid-argument',
            `kernel-shap: ${coalitions.count - 2} coalitions do not determine the values of ${coalitions.players} segments`,
            { remedy: 'Take more samples (the default is enough), larger segments, or limit numFeatures' },
          );
        }
        const errors = kernelErrors(linked, coalitions, numFeatures);
        const power = (list: Float64Array) => list.reduce((n, v) => n + v * v, 0);
        // It adds up whatever was drawn: what tells is how far other draws would have led.
        const error: MapError = errors
          ? {
              kind: 'standard-error',
              samples: coalitions.count - 2,
              relative: Math.sqrt(power(errors) / power(values)),
            }
          : completeness(values, linked[1]! - linked[0]!);
        return { values, intercept: linked[0]!, error };
      },
    }),
});
