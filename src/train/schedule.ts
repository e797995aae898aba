/**
 * Learning-rate schedules as plain data, and one pure function of the step that reads them, so that a training that is
 * taken up again goes on as if it had never stopped. The formulas are those of torch.optim.lr_scheduler, as a factor on
 * the optimiser's learning rate (and so on every group's), after t of T units:
 *
 *   constant      1
 *   step          gamma^floor(t / every)                                       StepLR
 *   multi-step    gamma^(number of `at` that are <= t)                         MultiStepLR
 *   exponential   gamma^t                                                      ExponentialLR
 *   linear        from + (to - from) min(t, over) / over                       LinearLR: a warm-up
 *   cosine        floor + (1 - floor) (1 + cos(pi t / over)) / 2               CosineAnnealingLR
 *   one-cycle     start to 1 over the first `warm` of all steps, then to end   OneCycleLR, without its momentum
 *   plateau       factor^(times that `patience` epochs brought nothing)        ReduceLROnPlateau, mode min
 *   sequence      parts one after the other, each from its own beginning       SequentialLR
 *   product       of its parts                                                 ChainedScheduler
 */
import { WgradError } from '../errors.ts';
import {
  choice,
  count,
  custom,
  fraction,
  nonNegative,
  positive,
  readOptions,
  required,
  share,
  whole,
  type OptionTable,
  type ResolvedOptions,
} from '../options.ts';

/** What t counts. */
export type ScheduleUnit = 'step' | 'epoch';

const unit = (fallback: ScheduleUnit) => choice(['step', 'epoch'], fallback, 'what its times count');
const gamma = positive(0.1, 'factor each time');
const isTimes = (v: unknown) => Array.isArray(v) && v.length > 0 && v.every((n) => n > 0 && Number.isFinite(n));
const numbers = (text: string) => text.split('/').map(Number);

/** The options of each kind. */
export const scheduleTables = {
  constant: {},
  step: { every: required(count(undefined, 'units between two falls')), gamma, unit: unit('epoch') },
  'multi-step': {
    at: required({ ...custom<readonly number[]>('when it falls', 'numbers above 0 (3/6)', isTimes), parse: numbers }),
    gamma,
    unit: unit('epoch'),
  },
  exponential: { gamma: required(positive(undefined, 'factor a unit')), unit: unit('epoch') },
  linear: {
    over: required(count(undefined, 'units that it takes')),
    from: nonNegative(1 / 3, 'factor at the beginning'),
    to: nonNegative(1, 'factor from then on'),
    unit: unit('step'),
  },
  cosine: {
    over: count(undefined, 'units that it takes (all that are left)'),
    floor: fraction(0, 'factor at the end'),
    unit: unit('step'),
  },
  'one-cycle': {
    warm: share(0.3, 'share of the steps that the rate rises'),
    start: positive(1 / 25, 'factor at the beginning'),
    end: nonNegative(1 / 25 / 1e4, 'factor at the end'),
    shape: choice(['cos', 'linear'], 'cos', 'of both parts'),
  },
  plateau: {
    factor: share(0.1, 'factor each time'),
    patience: whole(10, 'epochs without gain that are borne'),
    threshold: nonNegative(1e-4, 'relative gain that counts'),
    cooldown: whole(0, 'epochs after a fall that are not counted'),
    floor: fraction(0, 'the lowest factor'),
  },
} as const satisfies Readonly<Record<string, OptionTable>>;

type Tables = typeof scheduleTables;
type Leaf = { [K in keyof Tables]: { kind: K } & ResolvedOptions<Tables[K]> }[keyof Tables];
/** Plain data, fit for JSON. */
export type ScheduleData =
  | Leaf
  | { kind: 'sequence'; parts: readonly ScheduleData[]; at: readonly number[]; unit: ScheduleUnit }
  | { kind: 'product'; parts: readonly ScheduleData[] };

/** A kind by name, or with its options by {@link schedule}, or a function of the share of training done, in [0, 1). */
export type Schedule = 'constant' | 'cosine' | 'one-cycle' | 'plateau' | ScheduleData | ((progress: number) => number);

/** Where training is. */
export interface Moment {
  /** Steps done. */
  step: number;
  /** Of the whole training. */
  steps: number;
  /** Of one epoch. */
  perEpoch: number;
  /** What a plateau watches, one number an epoch that is over: the held-out loss, or the training loss without one. */
  losses: readonly number[];
}

/**
 * A schedule of one kind: `schedule('step', { every: 3, gamma: 0.5 })`.
 * @throws WgradError 'invalid-argument'
 */
export function schedule<K extends keyof Tables>(
  kind: K,
  options: Partial<ResolvedOptions<Tables[K]>> = {},
): ScheduleData {
  const table = Object.hasOwn(scheduleTables, kind) ? scheduleTables[kind] : undefined;
  if (!table) {
    const kinds = Object.keys(scheduleTables).join(', ');
    throw new WgradError('invalid-argument', `schedule '${String(kind)}'`, { remedy: `Its kind is one of ${kinds}` });
  }
  return { kind, ...readOptions(`schedule '${kind}'`, table as OptionTable, { ...options }) } as ScheduleData;
}

/**
 * `parts` one after the other: the first until `at[0]`, the second until `at[1]`, each as if training began with it.
 * @throws WgradError 'invalid-argument'
 */
export function sequence(
  parts: readonly ScheduleData[],
  at: readonly number[],
  unit: ScheduleUnit = 'step',
): ScheduleData {
  const rises = at.every((t, i) => t > (at[i - 1] ?? 0));
  if (parts.length === 0 || at.length !== parts.length - 1 || !rises) {
    throw new WgradError('invalid-argument', `sequence: ${parts.length} schedules with the times ${String(at)}`, {
      remedy: 'Give one rising time between any two of them',
    });
  }
  return { kind: 'sequence', parts: [...parts], at: [...at], unit };
}

/** The product of the factors, as of a warm-up and a decay at once. */
export const product = (...parts: ScheduleData[]): ScheduleData => ({ kind: 'product', parts });

/** A linear rise over `steps` from `from`, then `rest`, which begins with it. */
export const warmup = (steps: number, rest: ScheduleData, from = 1 / 3): ScheduleData =>
  product(schedule('linear', { over: steps, from }), rest);

const names = ['constant', 'cosine', 'one-cycle', 'plateau'] as const;

/** The data behind every form but a function. */
export const scheduleData = (given: Exclude<Schedule, (progress: number) => number>): ScheduleData =>
  typeof given === 'string' ? schedule(given) : given;

/** Whether a value is a schedule, all its parts included. */
export function isSchedule(v: unknown): v is Schedule {
  if (typeof v === 'function') return true;
  if (typeof v === 'string') return (names as readonly string[]).includes(v);
  if (typeof v !== 'object' || v === null) return false;
  const { kind, parts, ...rest } = v as { kind: string; parts?: unknown[] };
  if (parts) return (kind === 'sequence' || kind === 'product') && Array.isArray(parts) && parts.every(isSchedule);
  const table = Object.hasOwn(scheduleTables, kind) && (scheduleTables as Record<string, OptionTable>)[kind];
  if (!table) return false;
  return Object.entries(table).every(([key, option]) => {
    const value = (rest as Record<string, unknown>)[key];
    return value === undefined ? option.default === undefined && !option.required : option.accepts(value);
  });
}

/**
 * Factor on the learning rate of the step after `moment`.
 * @throws WgradError 'invalid-argument' where a function of the caller's gives no number of at least 0
 */
export function factorAt(given: Schedule, moment: Moment): number {
  if (typeof given !== 'function') return factor(scheduleData(given), moment);
  const progress = moment.step / moment.steps;
  const value = given(progress);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new WgradError('invalid-argument', `the schedule makes the learning rate ${value} times the optimiser's at ${progress} of the training`); // prettier-ignore
}

function factor(s: ScheduleData, m: Moment): number {
  const time = (unit: ScheduleUnit) => (unit === 'step' ? m.step : Math.floor(m.step / m.perEpoch));
  switch (s.kind) {
    case 'constant':
      return 1;
    case 'step':
      return s.gamma ** Math.floor(time(s.unit) / s.every);
    case 'multi-step':
      return s.gamma ** s.at.filter((t) => t <= time(s.unit)).length;
    case 'exponential':
      return s.gamma ** time(s.unit);
    case 'linear':
      return s.from + ((s.to - s.from) * Math.min(time(s.unit), s.over)) / s.over;
    case 'cosine': {
      const over = s.over ?? (s.unit === 'step' ? m.steps : m.steps / m.perEpoch);
      return s.floor + ((1 - s.floor) * (1 + Math.cos((Math.PI * time(s.unit)) / over))) / 2;
    }
    case 'one-cycle':
      return oneCycle(s, m);
    case 'plateau':
      return s.factor === 0 ? s.floor : Math.max(s.floor, s.factor ** falls(s, m.losses));
    case 'sequence': {
      const scale = s.unit === 'step' ? 1 : m.perEpoch;
      const i = s.at.filter((t) => t * scale <= m.step).length;
      const before = i === 0 ? 0 : s.at[i - 1]! * scale;
      const after = i === s.at.length ? m.steps : s.at[i]! * scale;
      const losses = m.losses.slice(Math.floor(before / m.perEpoch));
      return factor(s.parts[i]!, { step: m.step - before, steps: after - before, perEpoch: m.perEpoch, losses });
    }
    case 'product':
      return s.parts.reduce((value, part) => value * factor(part, m), 1);
  }
}

function oneCycle(s: Extract<ScheduleData, { kind: 'one-cycle' }>, { step, steps }: Moment): number {
  const top = s.warm * steps - 1;
  const rising = top > 0 && step <= top;
  const [from, to, share] = rising ? [s.start, 1, step / top] : [1, s.end, (step - top) / (steps - 1 - top)];
  if (s.shape === 'linear') return from + (to - from) * share;
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
}

/** How often the rate has fallen after these epochs. */
function falls(
  { patience, threshold, cooldown }: Extract<ScheduleData, { kind: 'plateau' }>,
  losses: readonly number[],
) {
  // prettier-ignore
  let [best, bad, resting, times] = [Infinity, 0, 0, 0];
  for (const loss of losses) {
    if (loss < best * (1 - threshold)) [best, bad] = [loss, 0];
    else bad++;
    if (resting > 0) [resting, bad] = [resting - 1, 0];
    if (bad > patience) [times, resting, bad] = [times + 1, cooldown, 0];
  }
  return times;
}
