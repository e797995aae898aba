/** From arguments to checked options, and the help that says the same: both from the command's table. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { WgradError } from '../errors.ts';
import { adapterChoices } from '../node/candidates.ts';
import { choice, type OptionKind } from '../options.ts';
import type { Command, CommandOption } from './command.ts';
import { onSwitch, shownAs } from './kinds.ts';

/** Options that every command has. */
export const common = {
  json: onSwitch('one JSON document on standard output, and nothing else there'),
  verbose: onSwitch("the driver's own messages too, and where an error comes from"),
  adapter: shownAs('NAME', {
    ...choice(adapterChoices, 'gpu', `${adapterChoices.join(', ')} (default: WGRAD_ADAPTER, else the best there is)`),
    default: undefined,
  } as OptionKind<string>),
  help: onSwitch('this help', 'h'),
};

export interface Parsed {
  options: Record<string, unknown>;
  positionals: string[];
}

/** @throws WgradError 'usage' naming the option and what it takes. */
export function parseCommand(name: string, command: Command, args: readonly string[]): Parsed {
  const table: Record<string, CommandOption<unknown>> = { ...command.options, ...common };
  const usage = (message: string, cause?: unknown) =>
    new WgradError('usage', `${name}: ${message}`, { remedy: `See: wgrad ${name} --help`, cause });
  const { values, positionals } = split(table, args, usage);
  const options: Record<string, unknown> = {};
  for (const [key, kind] of Object.entries(table)) {
    const given = values[key];
    if (given === undefined || kind.isSwitch) options[key] = given ?? kind.default;
    else {
      const texts = kind.isList
        ? (given as string[]).flatMap((v) => (kind.isWhole ? [v] : v.split(',')))
        : [given as string];
      const parsed = texts.map((text) => kind.parse!(text));
      const value = kind.isList ? parsed : parsed[0];
      if (parsed.some((v) => v === undefined) || !kind.accepts(value)) {
        throw usage(`--${key} ${texts.map((t) => t || "''").join(',')}: ${kind.allowed} is needed`);
      }
      options[key] = value;
    }
  }
  if (values['help']) return { options, positionals };
  for (const [key, kind] of Object.entries(table)) {
    if (kind.required && options[key] === undefined)
      throw usage(`--${key} ${kind.placeholder} is needed: ${kind.help}`);
  }
  const [least, most] = command.arity;
  if (positionals.length < least) throw usage(`too few arguments: ${command.usage}`);
  if (positionals.length > most) throw usage(`'${positionals[most]}' is one argument too many: ${command.usage}`);
  return { options, positionals };
}

function split(
  table: Record<string, CommandOption<unknown>>,
  args: readonly string[],
  usage: (message: string, cause?: unknown) => WgradError,
) {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [key, kind] of Object.entries(table)) {
    options[key] = {
      type: kind.isSwitch ? 'boolean' : 'string',
      multiple: kind.isList ?? false,
      ...(kind.short !== undefined && { short: kind.short }),
    };
  }
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    throw usage((cause as Error).message.split(/\. |\n/)[0]!, cause);
  }
}

export function help(name: string, command: Command): string {
  const rows = Object.entries({ ...command.options, ...common }).flatMap(([key, option]) => {
    const kind: CommandOption<unknown> = option;
    if (kind.isHidden) return [];
    const left = `${kind.short ? `-${kind.short}, ` : ''}--${key}${kind.isSwitch ? '' : ` ${kind.placeholder}`}`;
    const silent = kind.isSwitch || kind.isList || kind.default === undefined || kind.help.includes('(default');
    return `  ${left.padEnd(30)} ${kind.help}${silent ? '' : ` (default ${String(kind.default)})`}`;
  });
  const more = command.more ? `${command.more()}\n\n` : '';
  return `wgrad ${name} ${command.usage}\n\n${command.summary}\n\n${rows.join('\n')}\n\n${more}${exitCodes}`;
}

export const exitCodes = `Exit codes: 0 done; 1 an error, whose code is printed; 2 wrong usage; 3 a fault of wgrad or of the driver;
130 interrupted; 141 the reader of the output went away.`;
