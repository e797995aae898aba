/** What a command is, and what it is given. */
import type { Engine } from '../engine.ts';

export interface Option {
  type: 'string' | 'boolean';
  short?: string;
  multiple?: boolean;
  /** Shown in the help; also what is taken when the option is absent. */
  default?: string;
  /** Placeholder of its value in the help. */
  value?: string;
  help: string;
}

export interface Context {
  positionals: string[];
  /** The option's value, its default, or undefined. */
  text(name: string): string | undefined;
  texts(name: string): string[];
  flag(name: string): boolean;
  /** A number. @throws WgradError 'usage'. */
  number(name: string): number;
  /** Opens the adapter on first use, and prints it. */
  engine(): Promise<Engine>;
  /** A line for people; goes to standard error with --json, so that standard output stays JSON. */
  log(line: string): void;
  /** A progress line that overwrites itself on a terminal. */
  progress(label: string, done: number, total: number): void;
  /** The machine-readable result; printed with --json. */
  result(value: unknown): void;
  json: boolean;
  /** Ctrl-C. */
  signal: AbortSignal;
}

export interface Command {
  summary: string;
  /** After `wgrad NAME`, e.g. 'MODEL [IMAGE...]'. */
  usage: string;
  options: Record<string, Option>;
  run(context: Context): Promise<void>;
}
