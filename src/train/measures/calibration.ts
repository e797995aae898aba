/**
 * Whether a model is as often right as it says: expected calibration error over equal bins of confidence, and temperature
 * scaling, one number by which the logits are divided. Source: Guo et al. 2017, "On calibration of modern neural networks".
 */
import { WgradError } from '../../errors.ts';
import { checkScored, predicted, softmaxRows, type Scored } from './scores.ts';

/** How well probabilities are what they say. */
export interface Calibration {
  /** The reliability diagram: bins (lower, upper] of the highest probability. */
  bins: { lower: number; upper: number; count: number; confidence: number; accuracy: number }[];
  /** Mean of |accuracy - confidence| over the bins, weighted by count. */
  ece: number;
  /** The largest of them. */
  mce: number;
  /** Mean squared distance of the probabilities from the label's one-hot vector: 0 to 2. */
  brier: number;
  /** Mean of -log of the label's probability. */
  nll: number;
}

/** Options of `calibration`. */
export interface CalibrationOptions {
  /** Number of bins. Default 15. */
  bins?: number;
  /** Logits are divided by it. Default 1. */
  temperature?: number;
}

/** Of logits. @throws 'invalid-argument', 'not-finite' */
export function calibration(scored: Scored, options: CalibrationOptions = {}): Calibration {
  const { bins: number = 15, temperature = 1 } = options;
  checkScored(scored, 'calibration');
  if (!Number.isInteger(number) || number < 1) throw new WgradError('invalid-argument', `calibration: ${number} bins`);
  if (!(temperature > 0 && temperature < Infinity)) throw new WgradError('invalid-argument', `calibration: a temperature of ${temperature}`); // prettier-ignore
  const { labels, classes } = scored;
  const p = softmaxRows(scored, temperature);
  const bins = Array.from({ length: number }, (_, i) => ({ lower: i / number, upper: (i + 1) / number, count: 0, confidence: 0, accuracy: 0 })); // prettier-ignore
  let brier = 0;
  predicted(scored).forEach((guess, i) => {
    const confidence = p[i * classes + guess]!;
    const bin = bins[Math.min(number - 1, Math.max(0, Math.ceil(confidence * number) - 1))]!;
    bin.count++;
    bin.confidence += confidence;
    bin.accuracy += Number(guess === labels[i]);
    for (let c = 0; c < classes; c++) brier += (p[i * classes + c]! - Number(c === labels[i])) ** 2;
  });
  let [ece, mce] = [0, 0];
  for (const bin of bins) {
    if (bin.count === 0) continue;
    bin.confidence /= bin.count;
    bin.accuracy /= bin.count;
    const gap = Math.abs(bin.accuracy - bin.confidence);
    ece += (gap * bin.count) / labels.length;
    mce = Math.max(mce, gap);
  }
  return { bins, ece, mce, brier: brier / labels.length, nll: negativeLogLikelihood(scored, 1 / temperature) };
}

/** Mean cross-entropy of logits times `scale`, by log-sum-exp. */
function negativeLogLikelihood({ scores, labels, classes }: Scored, scale: number): number {
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    let [top, sum] = [-Infinity, 0];
    for (let c = 0; c < classes; c++) top = Math.max(top, scale * scores[i * classes + c]!);
    for (let c = 0; c < classes; c++) sum += Math.exp(scale * scores[i * classes + c]! - top);
    total += top + Math.log(sum) - scale * scores[i * classes + labels[i]!]!;
  }
  return total / labels.length;
}

/** What can be told apart of a temperature; beyond these the samples are all right, or all wrong. */
const [LEAST, MOST] = [1e-3, 1e3];

/**
 * The temperature that makes held-out logits likeliest. In 1 / temperature the loss is convex, so that halving finds it.
 * @returns at a bound of [0.001, 1000] where the samples set none, as when all are right.
 * @throws 'invalid-argument', 'not-finite'
 */
export function fitTemperature(scored: Scored): number {
  checkScored(scored, 'fitTemperature');
  const { scores, labels, classes } = scored;
  const infinite = Array.prototype.findIndex.call(scores, (v: number) => !Number.isFinite(v));
  if (infinite >= 0) throw new WgradError('not-finite', `fitTemperature: sample ${Math.floor(infinite / classes)} has a logit of ${scores[infinite]}`); // prettier-ignore
  /** d loss / d scale: the mean of E_p[logit] - logit[label]. */
  const slope = (scale: number) => {
    const p = softmaxRows(scored, 1 / scale);
    let total = 0;
    for (let i = 0; i < labels.length; i++) {
      for (let c = 0; c < classes; c++) total += p[i * classes + c]! * scores[i * classes + c]!;
      total -= scores[i * classes + labels[i]!]!;
    }
    return total;
  };
  let [low, high] = [Math.log(1 / MOST), Math.log(1 / LEAST)];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    // Where all are right it sinks to 0 exactly, and still no scale is too large.
    if (slope(Math.exp(middle)) <= 0) low = middle;
    else high = middle;
  }
  return Math.exp(-(low + high) / 2);
}
