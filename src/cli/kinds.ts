/** Kinds of options that only a command line has: switches, lists, and places to write to. */
import { resolve } from 'node:path';
import { prepareFile, prepareFolder } from '../node/write.ts';
import { flag, name, type GivenKind, type OptionKind } from '../options.ts';
import type { CommandOption } from './command.ts';

/** `--json`: true when it is there. */
export function onSwitch(help: string, short?: string): GivenKind<boolean> {
  const option: CommandOption<boolean> & GivenKind<boolean> = {
    ...flag(false, help),
    isSwitch: true,
    ...(short !== undefined && { short }),
  };
  return option;
}

/** `--methods a,b --methods c` */
export function list<T>(part: OptionKind<T>, placeholder = `${part.placeholder}[,...]`): GivenKind<readonly T[]> {
  const option: CommandOption<any> = {
    ...part,
    placeholder,
    default: [],
    isList: true,
    accepts: (value: unknown) => Array.isArray(value) && value.every((v) => part.accepts(v)),
  };
  return option as GivenKind<readonly T[]>;
}

/** `--target pug --target 'layer3[:,7]'`: parts that may hold commas. */
export const repeated = <T>(part: OptionKind<T>): GivenKind<readonly T[]> => {
  const option: CommandOption<readonly T[]> & GivenKind<readonly T[]> = {
    ...list(part, part.placeholder),
    isWhole: true,
  };
  return option;
};

/** With what the help shows in place of a value. */
export const shownAs = <K extends OptionKind<any>>(placeholder: string, kind: K): K => ({ ...kind, placeholder });

/** Text with a default. */
const place = (fallback: string | undefined, help: string, prepare: (path: string) => Promise<void>) =>
  ({ ...name(help), default: fallback, prepare }) as CommandOption<string>;

/** A file that is written: its folder is made at once, or the error comes at once. */
export const outFile = <F extends string | undefined>(fallback: F, help: string) =>
  shownAs('FILE', place(fallback, help, prepareFile)) as F extends string ? GivenKind<string> : OptionKind<string>;

/** A folder for files that are written. */
export const outFolder = (fallback: string, help: string) =>
  shownAs(
    'DIR',
    place(fallback, help, (path) => prepareFolder(resolve(path))),
  ) as GivenKind<string>;
