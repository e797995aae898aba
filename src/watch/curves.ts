/** The charts of a training: loss by step, accuracy by epoch, learning rate. */
import { chartFigure, chartFile, chartRow, lineChart, percent, type Markup, type Series } from '../report/index.ts';
import type { FoundLr } from '../train/find_lr.ts';

type Point = readonly [x: number, y: number];

/** What a training's curves are drawn from. */
export interface Learning {
  /** Loss of each step's batch. */
  losses: readonly Point[];
  /** Learning rate of each step. */
  rates?: readonly Point[];
  /** Accuracy on the training pictures by epoch. */
  training?: readonly Point[];
  /** On held-out pictures, from before the first step (epoch 0) on. */
  held: readonly { epoch: number; step: number; loss: number; accuracy: number }[];
}

const trained = (name: string, points: readonly Point[]): Series[] => (points.length > 0 ? [{ name, points, color: 'var(--trained)' }] : []); // prettier-ignore

const heldOut = (points: readonly Point[]): Series[] =>
  points.length > 0 ? [{ name: 'held out', points, color: 'var(--series-1)', dashed: true }] : [];

/** Side by side; those of which nothing is known are left out. */
export function learningCurves({ losses, rates = [], training = [], held }: Learning): Markup {
  const loss = [...trained('training, a batch', losses), ...heldOut(held.map((h) => [h.step, h.loss] as const))];
  const accuracy = [...trained('training', training), ...heldOut(held.map((h) => [h.epoch, h.accuracy] as const))];
  const step = { label: 'step', isWhole: true };
  const share = { label: 'right', domain: [0, 1] as const, format: (v: number) => percent(v, 0) };
  const charts = [
    loss.length > 0 && lineChart({ title: 'Loss', x: step, y: { label: 'cross-entropy' }, series: loss }),
    accuracy.length > 0 &&
      lineChart({ title: 'Accuracy', x: { label: 'epoch', isWhole: true }, y: share, series: accuracy }),
    rates.length > 0 &&
      lineChart({ title: 'Learning rate', x: step, y: { label: 'rate' }, series: [{ name: 'rate', points: rates }] }),
  ];
  return chartRow(...charts.filter((chart) => chart !== false).map((chart) => chartFigure(chart)));
}

/** The losses of a learning-rate range test as an SVG file. */
export function ratePlot({ curve, suggestion }: FoundLr): string {
  const high = Math.max(...curve.map((p) => p.smoothed));
  const marked = suggestion === undefined ? [] : curve.filter((p) => p.lr === suggestion);
  const chart = lineChart({
    title:
      suggestion === undefined ? 'The loss never falls' : `The loss falls fastest at ${suggestion.toExponential(1)}`,
    x: { label: 'learning rate', log: true },
    y: { label: 'loss' },
    series: [
      { name: 'smoothed', points: curve.map((p) => [p.lr, p.smoothed] as const), color: 'var(--trained)' },
      // Single batches leave the picture where they jump.
      { name: 'each batch', points: curve.map((p) => [p.lr, Math.min(p.loss, 1.2 * high)] as const), color: 'var(--frozen)', dashed: true }, // prettier-ignore
      ...marked.map((p) => ({ name: 'suggested', points: [[p.lr, p.smoothed] as const], color: 'var(--series-1)' })),
    ],
  });
  return chartFile(chart);
}
