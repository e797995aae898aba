/** The loss follows what the scores mean, on the logits before any softmax or sigmoid in the file. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { grad } from '../../src/autograd/grad.ts';
import { constant, input } from '../../src/graph/leaves.ts';
import type { ScoreKind } from '../../src/model/roles.ts';
import { inMemory } from '../../src/train/dataset.ts';
import { evaluate } from '../../src/train/evaluate.ts';
import { fit } from '../../src/train/fit.ts';
import { classLoss, distilled, type ClassLossOptions, type DistillOptions } from '../../src/train/loss.ts';
import { adamw } from '../../src/train/optimizers.ts';
import { openCase } from '../support/cases.ts';
import { testEngine } from '../support/engine.ts';
import { gradcheck } from '../support/gradcheck.ts';
import { compare, tolerance } from '../tolerance.ts';

const logSigmoid = (z: number) => -Math.log1p(Math.exp(-z));
const targets = (...labels: number[]) => constant(Int32Array.from(labels), [labels.length]);

describe('classLoss', () => {
  const z = [-1.5, 0.25, 2, -0.5, 1, 3];

  it('of one logit is binary cross-entropy', async () => {
    const labels = [1, 0, 1, 1, 0, 0];
    const logits = constant(z, [6, 1]);
    const { each, mean } = await (
      await testEngine()
    ).evaluate({
      each: classLoss('binary', logits, targets(...labels), { reduction: 'none' }),
      mean: classLoss('binary', logits, targets(...labels)),
    });
    const expected = z.map((v, i) => -logSigmoid(labels[i] ? v : -v));
    expect(compare(each, expected).maxAbs).toBeLessThan(tolerance.op);
    expect(mean[0]).toBeCloseTo(expected.reduce((a, b) => a + b) / 6, 5);
  });

  it('of independent labels is the sum of their binary cross-entropies', async () => {
    const logits = constant(z, [2, 3]);
    const { each } = await (
      await testEngine()
    ).evaluate({
      each: classLoss('multi-label', logits, targets(2, 0), { reduction: 'none' }),
    });
    const row = (i: number, label: number) =>
      z.slice(3 * i, 3 * i + 3).reduce((n, v, k) => n - logSigmoid(k === label ? v : -v), 0);
    expect(compare(each, [row(0, 2), row(1, 0)]).maxAbs).toBeLessThan(tolerance.op);
  });

  it.each(['single-label', 'binary', 'multi-label'] as const)('%s: its gradient', async (kind) => {
    const classes = kind === 'binary' ? 1 : 3;
    await gradcheck(await testEngine(), {
      shapes: [[3, classes]],
      f: (logits) => classLoss(kind, logits, targets(1, 0, kind === 'binary' ? 1 : 2), { reduction: 'none' }),
    });
  });
});

describe('training', () => {
  it('ends-in-softmax: the loss is that of the probabilities in the file', async () => {
    const it = openCase('ends-in-softmax');
    using model = await it.load(await testEngine());
    const y = it.tensor('y');
    const labels = [4, 2];
    const samples = labels.map((label, i) => ({ input: it.tensor('x').slice(i * 3072, (i + 1) * 3072), label }));
    const { loss } = await evaluate(model, inMemory(samples, ['a', 'b', 'c', 'd', 'e']));
    const expected = labels.reduce((n, label, i) => n - Math.log(y[5 * i + label]!) / 2, 0);
    expect(loss / expected).toBeCloseTo(1, 3);
  });

  it('one-logit: two classes are learned with the one score, and counted by its sign', async () => {
    const it = openCase('one-logit');
    using model = await it.load(await testEngine());
    const x = it.tensor('x').slice(0, 3072);
    const samples = [0, 1, 1, 0].map((label, i) => ({
      input: x.map((v) => v + (1 + i / 4) * (label ? 2 : -2)),
      label,
    }));
    const data = inMemory(samples, ['no', 'yes']);
    model.freeze().unfreeze('layer2', 'fc');
    for await (const event of fit(model, data, { optimizer: adamw({ lr: 0.02 }), epochs: 15, batchSize: 4 }))
      void event;
    const { accuracy, confusion, loss } = await evaluate(model, data);
    expect(accuracy).toBe(1);
    expect(confusion).toEqual([[2, 0], [0, 2]]); // prettier-ignore
    expect(loss).toBeLessThan(0.6);
  });
});

interface Case {
  name: string;
  kind: ScoreKind;
  logits: (number | null)[][];
  target: number[] | number[][];
  options: ClassLossOptions & { distill?: DistillOptions; teacher?: number[][] };
  mean: number;
  gradient: number[][];
}

describe('against PyTorch: value and gradient', () => {
  const cases = JSON.parse(readFileSync(new URL('../fixtures/train/losses.json', import.meta.url), 'utf8')) as Case[];
  it.each(cases.map((c) => [c.name, c] as const))(
    '%s',
    async (_, { kind, logits, target, options, mean, gradient }) => {
      const { distill, teacher, ...rest } = options;
      const width = logits[0]!.length;
      const z = input('z', [logits.length, width]);
      const of = typeof target[0] === 'number' ? targets(...(target as number[])) : constant(target.flat(), [target.length, (target as number[][])[0]!.length]); // prettier-ignore
      const own = classLoss(kind, z, of, rest);
      const loss = distill
        ? distilled(kind, own, [z, constant(teacher!.flat(), [teacher!.length, width])], of, distill)
        : own;
      const feeds = { z: logits.flat().map((v) => v ?? -Infinity) };
      const out = await (await testEngine()).evaluate({ loss, g: grad(loss, [z])[0]! }, feeds);
      expect(compare(out.loss, [mean]).maxRel).toBeLessThan(tolerance.op);
      expect(compare(out.g, gradient.flat()).maxAbs).toBeLessThan(tolerance.op);
    },
  );

  it('rows of probabilities that count for nothing are in no mean', async () => {
    const z = constant([1, 2, 3, 0.5, -1, 2, 9, 9, 9], [3, 3]);
    const rows = [0.2, 0.3, 0.5, 1, 0, 0];
    const padded = constant([...rows, -Infinity, -Infinity, -Infinity], [3, 3]);
    for (const kind of ['single-label', 'multi-label'] as const) {
      for (const loss of [{ name: 'cross-entropy' }, { name: 'focal' }, { name: 'mse' }] as const) {
        const options = { loss, labelSmoothing: 0.1 };
        const { a, b } = await (
          await testEngine()
        ).evaluate({
          a: classLoss(kind, z, padded, options),
          b: classLoss(kind, constant([1, 2, 3, 0.5, -1, 2], [2, 3]), constant(rows, [2, 3]), options),
        });
        expect(a[0]).toBeCloseTo(b[0]!, 5);
      }
    }
  });

  it.each(['single-label', 'multi-label'] as const)('%s, focal: its gradient by finite differences', async (kind) => {
    const loss = { name: 'focal', gamma: 1.5 } as const;
    await gradcheck(await testEngine(), {
      shapes: [[3, 3]],
      f: (logits) => classLoss(kind, logits, targets(1, 0, 2), { loss, reduction: 'none', classWeights: [1, 2, 0.5] }),
    });
  });
});
