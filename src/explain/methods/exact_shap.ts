/**
 * Shapley values of segments by all 2^M coalitions, and how segments act together. (Shapley 1953; interactions as in
 * Lundberg et al. 2018, arXiv:1802.03888.) Nothing is sampled: what a value lacks is the arithmetic's.
 */
import { WgradError } from '../../errors.ts';
import { whole } from '../../options.ts';
import { completeness } from '../errors.ts';
import { allCoalitions, type Coalitions } from '../shapley/coalitions.ts';
import { compileGame, expectedPlayers, gameOptions } from '../shapley/game.ts';
import { exactInteractions, exactValues } from '../shapley/values.ts';
import { defineMethod } from '../types.ts';

/** Cells along a side unless the caller says otherwise: 2^9 passes. */
const CELLS = 3;
/** 2^20 passes are a million. */
const MOST = 20;

const options = {
  ...gameOptions,
  cells: { ...gameOptions.cells, help: `grid: cells along each side (default ${CELLS})` },
};

type Given = { segmentation: string; labels?: Int32Array | undefined; cells?: number | undefined };

const withCells = <T extends Given>(given: T): T =>
  given.segmentation === 'grid' && !given.labels ? { ...given, cells: given.cells ?? CELLS } : given;

function enumerate(what: string, players: number): Coalitions {
  if (players > MOST) {
    throw new WgradError('invalid-argument', `${what}: ${players} segments have 2^${players} coalitions; ${MOST} segments at most`, {
      remedy: 'Ask for larger segments (fewer cells), or use kernel-shap or permutation-shap',
    }); // prettier-ignore
  }
  return allCoalitions(players);
}

const cost = (given: Parameters<typeof expectedPlayers>[0] & Given) => ({
  forwards: 2 ** Math.min(MOST, expectedPlayers(withCells(given))),
});

export const exactShap = defineMethod({
  summary: 'what each segment adds to the score, averaged over all orders in which segments could appear',
  options,
  target: 'one',
  cost,
  compile: (model, score, given, control) =>
    compileGame('exact-shap', model, score, withCells(given), control, {
      coalitions: (players) => enumerate('exact-shap', players),
      shares(scores, { players }) {
        const values = exactValues(scores, players);
        return { values, intercept: scores[0]!, error: completeness(values, scores[1]! - scores[0]!) };
      },
    }),
});

export const shapInteractions = defineMethod({
  summary: 'what one segment adds to the score by itself and together with each other segment',
  options: {
    ...options,
    segment: whole(undefined, 'whose interactions the map shows (default: the one with the largest value)'),
  },
  target: 'one',
  cost,
  compile: (model, score, { segment, ...given }, control) =>
    compileGame('shap-interactions', model, score, withCells(given), control, {
      coalitions: (players) => enumerate('shap-interactions', players),
      shares(scores, { players }, segments) {
        const sums = exactValues(scores, players);
        const interactions = exactInteractions(scores, players);
        const one = segment === undefined ? largest(sums) : segments.indexOf(segment);
        if (one < 0) {
          throw new WgradError('invalid-argument', `shap-interactions: hiding segment ${segment} changes nothing, or there is none`, {
            remedy: `Segments that change the picture: ${segments.join(', ')}`,
          }); // prettier-ignore
        }
        const values = interactions.slice(one * players, (one + 1) * players);
        return { values, interactions, intercept: scores[0]!, error: completeness(values, sums[one]!) };
      },
    }),
});

const largest = (values: Float64Array) =>
  values.reduce((best, v, i) => (Math.abs(v) > Math.abs(values[best]!) ? i : best), 0);
