/** What a plain classifier does without: the other rows, the whole algebra of graphs, and the folding of constants. */
import { ACTIVATIONS } from './activations.ts';
import { CONSTANTS } from './constants.ts';
import { CONVOLUTION } from './convolution.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { MOVEMENT } from './movement.ts';
import { NORMALIZATION } from './normalization.ts';
import { QUANTIZATION } from './quantization.ts';
import { REDUCTIONS } from './reductions.ts';
import { RESAMPLING } from './resampling.ts';
import type { Rows } from './row.ts';

export { GRAPH } from './graph.ts';
export { foldNode } from './fold.ts';

export const ROWS: Rows = {
  ...ACTIVATIONS,
  ...CONSTANTS,
  ...CONVOLUTION,
  ...ELEMENTWISE,
  ...MOVEMENT,
  ...NORMALIZATION,
  ...QUANTIZATION,
  ...REDUCTIONS,
  ...RESAMPLING,
};
