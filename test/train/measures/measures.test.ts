/** Against scikit-learn (scripts/fixtures/measures.py) and, for calibration, by hand. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { calibration, classReport, confusionMatrix, fitTemperature, precisionRecallCurve, rocCurve, topK } from '../../../src/train/measures/index.ts'; // prettier-ignore

const sk = JSON.parse(readFileSync(new URL('../../fixtures/measures.json', import.meta.url), 'utf8'));
const scored = { scores: sk.logits as number[], labels: sk.labels as number[], classes: 4 };

/** Both in float64: what differs is the order of sums. */
const close = (got: readonly number[], expected: readonly number[]) => {
  expect(got).toHaveLength(expected.length);
  got.forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, 12));
};

describe('by class', () => {
  it('has the confusion matrix, precision, recall, F1 and their means of scikit-learn', () => {
    const confusion = confusionMatrix(scored);
    expect(confusion).toEqual(sk.confusion);
    const { accuracy, perClass, macro, weighted } = classReport(confusion);
    expect(accuracy).toBeCloseTo(sk.accuracy, 12);
    perClass.forEach((m, c) => close(Object.values(m), Object.values(sk.perClass[c])));
    close(Object.values(macro), sk.macro);
    close(Object.values(weighted), sk.weighted);
    expect(perClass[3]).toMatchObject({ precision: 0, f1: 0 });
  });

  it('counts the best k, of equal scores the first', () => {
    expect(topK(scored, 2)).toBeCloseTo(sk.top2, 12);
    expect(topK(scored, 1)).toBeCloseTo(sk.accuracy, 12);
    expect(topK(scored, 4)).toBe(1);
    const tied = { scores: [1, 1, 0, 1, 1, 0], labels: [0, 1], classes: 3 };
    expect([topK(tied, 1), topK(tied, 2)]).toEqual([0.5, 1]);
  });
});

describe('curves', () => {
  it('has the ROC curve of scikit-learn, tied scores as one point', () => {
    const roc = rocCurve(sk.positive, sk.scores);
    close(roc.falsePositiveRate, sk.fpr);
    close(roc.truePositiveRate, sk.tpr);
    expect(roc.auc).toBeCloseTo(sk.auc, 12);
  });

  it('has the precision-recall curve of scikit-learn up to full recall', () => {
    const curve = precisionRecallCurve(sk.positive, sk.scores);
    close(curve.precision, sk.precision);
    close(curve.recall, sk.recall);
    expect(curve.averagePrecision).toBeCloseTo(sk.averagePrecision, 12);
  });
});

describe('calibration', () => {
  it('has the log loss and the Brier score of scikit-learn', () => {
    const { nll, brier } = calibration(scored);
    expect(nll).toBeCloseTo(sk.logLoss, 12);
    expect(brier).toBeCloseTo(sk.brier, 12);
  });

  it('bins confidence: by hand', () => {
    // Confidence 0.6, 0.6, 0.9, 0.9; right, wrong, right, right.
    const logit = (p: number) => Math.log(p / (1 - p));
    const scores = [logit(0.6), 0, logit(0.6), 0, logit(0.9), 0, 0, logit(0.9)];
    const { bins, ece, mce } = calibration({ scores, labels: [0, 1, 0, 1], classes: 2 }, { bins: 4 });
    expect(bins.map(({ count }) => count)).toEqual([0, 0, 2, 2]);
    expect(bins[2]!.confidence).toBeCloseTo(0.6, 12);
    expect(bins[2]!.accuracy).toBe(0.5);
    expect(ece).toBeCloseTo(0.5 * 0.1 + 0.5 * 0.1, 12);
    expect(mce).toBeCloseTo(0.1, 12);
  });

  it('finds the temperature that scipy finds, and a bound where all are right', () => {
    const three = { scores: sk.logits.filter((_: number, i: number) => i % 4 < 3), labels: sk.labels.map((l: number) => l % 3), classes: 3 }; // prettier-ignore
    expect(fitTemperature(three)).toBeCloseTo(sk.temperature, 4);
    expect(fitTemperature({ scores: [1, 0, 0, 1], labels: [0, 1], classes: 2 })).toBeCloseTo(1e-3, 6);
    const scaled = calibration(three, { temperature: sk.temperature });
    expect(scaled.nll).toBeLessThan(calibration(three).nll);
  });
});

it.each([
  ['a label beyond the classes', { scores: [0, 1], labels: [2], classes: 2 }, 'invalid-argument'],
  ['half a label', { scores: [0, 1], labels: [0.5], classes: 2 }, 'invalid-argument'],
  ['a score too few', { scores: [0], labels: [0], classes: 2 }, 'invalid-argument'],
  ['no samples', { scores: [], labels: [], classes: 2 }, 'invalid-argument'],
  ['one class', { scores: [0], labels: [0], classes: 1 }, 'invalid-argument'],
  ['NaN', { scores: [0, NaN], labels: [0], classes: 2 }, 'not-finite'],
])('refuses %s', (_, bad, code) => {
  for (const measure of [confusionMatrix, calibration, fitTemperature, (s: typeof bad) => topK(s, 1)])
    expect(() => measure(bad)).toThrow(expect.objectContaining({ code }));
});

it('refuses curves without a positive or a negative, other labels, NaN, k and temperatures out of range', () => {
  const refused = (act: () => unknown, code = 'invalid-argument') =>
    expect(act).toThrow(expect.objectContaining({ code }));
  refused(() => rocCurve([1, 1], [0, 1]));
  refused(() => precisionRecallCurve([0], [1]));
  refused(() => rocCurve([0, 2], [0, 1]));
  refused(() => rocCurve([0, 1], [NaN, 1]), 'not-finite');
  refused(() => rocCurve([0, 1], [1]));
  refused(() => topK(scored, 5));
  refused(() => calibration(scored, { temperature: 0 }));
  refused(() => fitTemperature({ scores: [Infinity, 0], labels: [0], classes: 2 }), 'not-finite');
});
