/** Schedules against torch.optim.lr_scheduler, as plain data. */
import { describe, expect, it } from 'vitest';
import { factorAt, isSchedule, product, schedule, sequence, warmup } from '../../src/train/schedule.ts';
import { tinySteps } from '../support/tiny.ts';

const moment = { steps: 40, perEpoch: 10, losses: [] };

describe('schedules', () => {
  it.each(tinySteps.schedules.map((row) => [JSON.stringify(row.schedule), row] as const))('%s', (_, row) => {
    const { kind, ...options } = row.schedule;
    const data = options.parts
      ? { kind, ...options, parts: options.parts.map(({ kind: k, ...o }: any) => schedule(k, o)) }
      : schedule(kind, options);
    expect(isSchedule(JSON.parse(JSON.stringify(data)))).toBe(true);
    row.factors.forEach((factor, step) => expect(factorAt(data, { ...moment, step })).toBeCloseTo(factor, 12));
  });

  it('plateau: the rate falls after epochs that bring nothing', () => {
    const { schedule: options, losses, factors } = tinySteps.plateau;
    const { kind, ...o } = options;
    factors.forEach((factor, epoch) => {
      const seen = losses.slice(0, epoch);
      expect(factorAt(schedule(kind, o), { ...moment, step: epoch * 10, losses: seen })).toBeCloseTo(factor, 12);
    });
  });

  it('count epochs where asked to, and begin anew in a sequence', () => {
    const byEpoch = schedule('step', { every: 2, gamma: 0.5 });
    expect([0, 19, 20, 39].map((step) => factorAt(byEpoch, { ...moment, step }))).toEqual([1, 1, 0.5, 0.5]);
    const s = sequence([schedule('linear', { over: 10, from: 0 }), schedule('cosine')], [1], 'epoch');
    expect([0, 5, 10, 25].map((step) => factorAt(s, { ...moment, step }))).toEqual([
      0,
      0.5,
      1,
      expect.closeTo(0.5, 12),
    ]);
    expect(factorAt(warmup(10, schedule('constant'), 0.5), { ...moment, step: 5 })).toBe(0.75);
  });

  it.each([
    [() => schedule('step', {}), /every is missing/],
    [() => schedule('step', { every: 1.5 }), /every is 1.5/],
    [() => schedule('linear' as 'step', { over: 3, gamma: 1 } as never), /no option 'gamma'/],
    [() => schedule('constructor' as 'step'), /schedule 'constructor'/],
    [() => sequence([schedule('cosine')], [3]), /sequence: 1 schedules with the times 3/],
    [() => sequence([schedule('cosine'), schedule('cosine')], [0]), /times 0/],
    [() => factorAt(() => -1, { ...moment, step: 0 }), /-1 times the optimiser's/],
  ])('refuse what is none: %s', (make, message) => {
    expect(make).toThrow(
      expect.objectContaining({ code: 'invalid-argument', message: expect.stringMatching(message) }),
    );
  });

  it('know themselves from other values', () => {
    expect([() => 1, 'cosine', product(schedule('cosine'))].map(isSchedule)).toEqual([true, true, true]);
    expect(['linear', 'constructor', null, 3, {}, { kind: 'step' }, { kind: 'product', parts: [3] }].map(isSchedule)).not.toContain(true); // prettier-ignore
  });
});
