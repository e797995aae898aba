/** What a command is, and what it is given. */
import type { Engine } from '../engine.ts';
import type { OptionKind, OptionTable, ResolvedOptions } from '../options.ts';

/** What the command line adds to an option's kind. */
export interface CommandOption<T> extends OptionKind<T> {
  readonly short?: string;
  /** Given without a value. */
  readonly isSwitch?: boolean;
  /** Given several times or separated by commas: the kind is that of the list, {@link OptionKind.parse} of one part. */
  readonly isList?: boolean;
  /** Of a list: only given several times, for its parts may hold commas. */
  readonly isWhole?: boolean;
  /** Not in the help's list of options: {@link Command.more} tells of it. */
  readonly isHidden?: boolean;
  /** Called before the command runs, so that it does not fail at its end for what could be seen at its beginning. */
  readonly prepare?: (value: T) => Promise<void>;
}

export interface Context {
  readonly positionals: readonly string[];
  /** What was typed, quoted for a shell. */
  readonly line: string;
  /** Opens the adapter on first use, and notes which. */
  engine(): Promise<Engine>;
  /** A line of the result: standard output, which is JSON alone with --json. */
  print(line: string): void;
  /** A line about the work: standard error. */
  note(line: string): void;
  /** A bar on a terminal, one line at its end elsewhere; standard error. */
  progress(label: string, done: number, total: number): void;
  /** The machine-readable result, once; printed with --json. */
  result(value: unknown): void;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
  /** Work that sees the signal itself and still has something to save: it is not cut off a second after Ctrl-C. */
  hold<T>(work: () => Promise<T>): Promise<T>;
}

export interface Command {
  summary: string;
  /** After `wgrad NAME`, e.g. 'MODEL [IMAGE...]'. */
  usage: string;
  /** Least and largest number of positional arguments. */
  arity: readonly [number, number];
  options: OptionTable;
  /** What the help says below the options. */
  more?(): string;
  run(context: Context, options: any): Promise<void>;
}

/** A command whose options reach it checked and typed. */
export const defineCommand = <S extends OptionTable>(
  command: Omit<Command, 'options' | 'run'> & {
    options: S;
    run(context: Context, options: ResolvedOptions<S>): Promise<void>;
  },
): Command => command;
