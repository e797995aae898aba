/** Kinds of options that only a command line has: switches, lists, and places to write to. */
import { resolve } from 'node:path';
import { prepareFile, prepareFolder } from '../node/write.ts';
import { flag, name, type GivenKind, type OptionKind, type OptionTable } from '../options.ts';
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

/** One of several things by name, with options of its own. */
export interface Named<N extends string = string> {
  name: N;
  options: Readonly<Record<string, unknown>>;
}

/**
 * `--schedule step:every=3,gamma=0.5`: a name of `tables`, and options of its table.
 * @param extra names of options that are not given here, such as those that have a flag of their own.
 */
export function named<N extends string>(
  tables: Readonly<Record<N, OptionTable>>,
  fallback: N | undefined,
  help: string,
  extra: readonly string[] = [],
): OptionKind<Named<N>> {
  const names = Object.keys(tables) as N[];
  const hints = names.map((n) => {
    const keys = Object.keys(tables[n]).filter((key) => tables[n][key]!.parse && !extra.includes(key));
    return keys.length > 0 ? `${n} (${keys.join(', ')})` : n;
  });
  const allowed = `one of ${hints.join(', ')}, with options as NAME:OPTION=VALUE,OPTION=VALUE`;
  return {
    default:
      fallback === undefined ? undefined : ({ name: fallback, options: {}, toString: () => fallback } as Named<N>),
    help,
    allowed,
    placeholder: `${names.join('|')}[:OPTION=VALUE,...]`,
    accepts: (v) => typeof v === 'object' && v !== null,
    parse(text) {
      const [, name = '', rest] = /^([^:]+)(?::(.*))?$/.exec(text) ?? [];
      if (!Object.hasOwn(tables, name)) return undefined;
      const options: Record<string, unknown> = {};
      for (const part of rest === undefined ? [] : rest.split(',')) {
        const [, key = '', value = ''] = /^([^=]+)=(.+)$/.exec(part) ?? [];
        const kind = Object.hasOwn(tables[name as N], key) && !extra.includes(key) && tables[name as N][key];
        const parsed = kind ? kind.parse?.(value) : undefined;
        if (parsed === undefined || (kind && !kind.accepts(parsed))) return undefined;
        options[key] = parsed;
      }
      return { name: name as N, options };
    },
  };
}
