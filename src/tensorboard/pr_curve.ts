/**
 * Precision and recall over thresholds i / (n - 1), as TensorBoard's plugin and PyTorch's writer have them: six rows of n,
 * true and false positives, true and false negatives, precision, recall, where a prediction is positive from its
 * threshold on.
 */
import { WgradError } from '../errors.ts';

/** The plugin draws no more. */
const MOST_THRESHOLDS = 127;
const LEAST_COUNT = 1e-7;

/** Options of {@link SummaryWriter.addPrCurve}. */
export interface PrCurveOptions {
  /** 2 to 127. Default 127. */
  thresholds?: number;
  /** One a sample; all 1 by default. */
  weights?: ArrayLike<number>;
}

/**
 * @param labels 0 or 1 (or booleans), one a sample.
 * @param predictions probabilities in [0, 1].
 * @throws 'invalid-argument' for other values or lengths
 */
export function prCurve(labels: ArrayLike<number | boolean>, predictions: ArrayLike<number>, options: PrCurveOptions) {
  const { thresholds: n = MOST_THRESHOLDS, weights } = options;
  check(Number.isInteger(n) && n >= 2 && n <= MOST_THRESHOLDS, `${n} thresholds`, `from 2 to ${MOST_THRESHOLDS}`);
  const samples = labels.length;
  check(samples > 0 && predictions.length === samples && (weights?.length ?? samples) === samples,
    `${samples} labels, ${predictions.length} predictions and ${weights?.length ?? samples} weights`, 'one of each a sample'); // prettier-ignore
  const positive = new Float64Array(n);
  const negative = new Float64Array(n);
  for (let i = 0; i < samples; i++) {
    const p = predictions[i]!;
    check(p >= 0 && p <= 1, `prediction ${i} is ${p}`, 'a probability');
    check(Number(labels[i]) === 0 || Number(labels[i]) === 1, `label ${i} is ${String(labels[i])}`, '0 or 1');
    // In float32, as the numbers came: 0.7 * 10 is 7 there.
    const bucket = Math.floor(Math.fround(Math.fround(p) * (n - 1)));
    (labels[i] ? positive : negative)[bucket]! += weights?.[i] ?? 1;
  }
  // From a threshold on: summed from the right.
  for (let i = n - 2; i >= 0; i--) {
    positive[i]! += positive[i + 1]!;
    negative[i]! += negative[i + 1]!;
  }
  const rows = new Float32Array(6 * n);
  for (let i = 0; i < n; i++) {
    const [tp, fp] = [positive[i]!, negative[i]!];
    const column = [tp, fp, negative[0]! - fp, positive[0]! - tp, tp / Math.max(LEAST_COUNT, tp + fp), tp / Math.max(LEAST_COUNT, positive[0]!)]; // prettier-ignore
    column.forEach((value, row) => (rows[row * n + i] = value));
  }
  return { thresholds: n, rows };
}

function check(holds: boolean, what: string, allowed: string): void {
  if (!holds) throw new WgradError('invalid-argument', `a precision-recall curve: ${what}; allowed is ${allowed}`);
}
