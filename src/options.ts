/**
 * Options as data: each has a kind, a default and a line of help. One table gives a method its TypeScript type, its
 * check at run time, its `--help` and its row in the docs, so that no two of them can disagree.
 */
import { WgradError } from './errors.ts';

export interface OptionKind<T> {
  /** undefined: absent unless given. */
  readonly default: T | undefined;
  /** Whether a program must give it. */
  readonly required?: boolean;
  /** What it is, its unit, and its source where it has one. */
  readonly help: string;
  /** What the command's help shows in place of a value; '' where the command line cannot give it. */
  readonly placeholder: string;
  /** The allowed values in words, for messages. */
  readonly allowed: string;
  accepts(value: unknown): boolean;
  /** From the text of a command line; undefined where the text is no such value. */
  parse?(text: string): T | undefined;
}

/** A default makes the value always there. */
export interface GivenKind<T> extends OptionKind<T> {
  readonly default: T;
}

/** One that must be given: always there too. */
export interface RequiredKind<T> extends OptionKind<T> {
  readonly required: true;
}

export const required = <T>(kind: OptionKind<T>): RequiredKind<T> => ({ ...kind, required: true });

export type OptionTable = Readonly<Record<string, OptionKind<any>>>;

/** What a caller may write. */
export type OptionsOf<S extends OptionTable> = {
  -readonly [K in keyof S]?: (S[K] extends OptionKind<infer T> ? T : never) | undefined;
};

/** What {@link readOptions} gives: options with a default are always there. */
export type ResolvedOptions<S extends OptionTable> = {
  readonly [K in keyof S]: S[K] extends RequiredKind<infer T>
    ? T
    : S[K] extends GivenKind<infer T>
      ? T
      : S[K] extends OptionKind<infer T>
        ? T | undefined
        : never;
};

type Scalar = number | string | boolean;

function kind<T>(
  help: string,
  fallback: T | undefined,
  allowed: string,
  placeholder: string,
  accepts: (value: any) => boolean,
  parse?: (text: string) => T | undefined,
): OptionKind<T> {
  return { default: fallback, help, allowed, placeholder, accepts, ...(parse && { parse }) };
}

const numeric = (text: string): number | undefined => (text.trim() === '' ? undefined : Number(text));

function numberKind(help: string, fallback: number | undefined, allowed: string, accepts: (v: number) => boolean) {
  return kind<number>(help, fallback, allowed, 'N', (v) => typeof v === 'number' && accepts(v), numeric);
}

interface NumberMaker {
  (fallback: number, help: string): GivenKind<number>;
  (fallback: undefined, help: string): OptionKind<number>;
}

const maker = (allowed: string, accepts: (v: number) => boolean) =>
  ((fallback: number | undefined, help: string) => numberKind(help, fallback, allowed, accepts)) as NumberMaker;

/** A whole number of at least 1. */
export const count = maker('a whole number of at least 1', (v) => Number.isSafeInteger(v) && v >= 1);
/** A whole number of at least 0. */
export const whole = maker('a whole number of at least 0', (v) => Number.isSafeInteger(v) && v >= 0);
/** A finite number above 0. */
export const positive = maker('a positive number', (v) => v > 0 && Number.isFinite(v));
/** A finite number of at least 0. */
export const nonNegative = maker('a number of at least 0', (v) => v >= 0 && Number.isFinite(v));
/** A number in [0, 1). */
export const share = maker('a number of at least 0 and below 1', (v) => v >= 0 && v < 1);
/** A number in [0, 1]. */
export const fraction = maker('a number from 0 to 1', (v) => v >= 0 && v <= 1);
/** The same kind with an upper bound. */
export const atMost = <K extends OptionKind<number>>(limit: number, kind: K): K => ({
  ...kind,
  allowed: `${kind.allowed}, ${limit} at most,`,
  accepts: (value: unknown) => kind.accepts(value) && (value as number) <= limit,
});

/** Any finite number. */
export const finite = maker('a finite number', Number.isFinite);

const truth = (text: string): boolean | undefined => ({ true: true, false: false })[text];

export const flag = (fallback: boolean, help: string): GivenKind<boolean> =>
  kind<boolean>(help, fallback, 'true or false', 'true|false', (v) => typeof v === 'boolean', truth) as GivenKind<boolean>; // prettier-ignore

/** A name that means something to the model. */
export const name = (help: string): OptionKind<string> =>
  kind(help, undefined, 'a name', 'NAME', (v) => typeof v === 'string' && v !== '', (text) => text); // prettier-ignore

/** One of several words or numbers. */
export function choice<const T extends Scalar>(values: readonly T[], fallback: T, help: string): GivenKind<T> {
  const parse = (text: string) => values.find((v) => String(v) === text);
  const words = `one of ${values.join(', ')}`;
  return kind<T>(help, fallback, words, values.join('|'), (v) => values.includes(v), parse) as GivenKind<T>;
}

/** A function that a program gives. */
export const callback = <T>(help: string): OptionKind<T> =>
  custom<T>(help, 'a function', (v) => typeof v === 'function');

/** What stops the work. */
export const abortSignal = (): OptionKind<AbortSignal> =>
  custom<AbortSignal>('stops the work', 'an AbortSignal', (v) => v instanceof AbortSignal);

/** Numbers that a program gives: a picture, noise, a list of baselines. Their count is the method's to check. */
export const floats = (help: string): OptionKind<Float32Array> =>
  kind<Float32Array>(help, undefined, 'a Float32Array of finite numbers', '', isFiniteArray);

/** Anything else that a program gives. */
export const custom = <T>(help: string, allowed: string, accepts: (value: unknown) => boolean): OptionKind<T> =>
  kind<T>(help, undefined, allowed, '', accepts);

function isFiniteArray(value: unknown): boolean {
  return value instanceof Float32Array && value.every((v) => Number.isFinite(v));
}

/**
 * Checks what was given against the table and fills in the defaults.
 * @param what names the thing that the options are of, for messages: 'smoothgrad'.
 * @throws WgradError 'invalid-argument' for a name that is not in the table or a value that is not of its kind.
 */
export function readOptions<S extends OptionTable>(
  what: string,
  table: S,
  given: Readonly<Record<string, unknown>>,
): ResolvedOptions<S> {
  for (const key of Object.keys(given)) {
    if (Object.hasOwn(table, key) || given[key] === undefined) continue;
    throw new WgradError('invalid-argument', `${what} has no option '${key}'`, {
      remedy: `Its options are: ${Object.keys(table).join(', ') || 'none'}`,
    });
  }
  const resolved: Record<string, unknown> = {};
  for (const [key, kind] of Object.entries(table)) {
    const value = given[key] === undefined ? kind.default : given[key];
    if (value === undefined && kind.required) {
      throw new WgradError('invalid-argument', `${what}: ${key} is missing; ${kind.allowed} is needed`);
    }
    if (given[key] !== undefined && !kind.accepts(value)) {
      throw new WgradError('invalid-argument', `${what}: ${key} is ${printed(value)}; ${kind.allowed} is needed`);
    }
    resolved[key] = value;
  }
  return resolved as ResolvedOptions<S>;
}

function printed(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} with a value that is not finite`;
  return typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : String(value);
}

/** The table without some of its options. */
export function without<S extends OptionTable, K extends keyof S>(table: S, ...names: readonly K[]): Omit<S, K> {
  return Object.fromEntries(Object.entries(table).filter(([key]) => !names.includes(key as K))) as unknown as Omit<
    S,
    K
  >;
}
