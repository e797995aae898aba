/**
 * The methods' own options on the command line: `--samples 200` for all methods that have it, each reading it for
 * itself, and `--lime.samples 500` for one of them, which goes first.
 */
import { WgradError } from '../errors.ts';
import { costTable, methodOf, methods, printForwards, type Method, type MethodName, type MethodOptions } from '../explain/index.ts'; // prettier-ignore
import type { OptionKind } from '../options.ts';
import type { CommandOption } from './command.ts';

/** By option: the methods that have it, with their kinds. Options that only a program can give are left out. */
const owners = new Map<string, Map<MethodName, OptionKind<unknown>>>();
for (const [method, { options }] of Object.entries(methods) as [MethodName, Method][]) {
  for (const [key, kind] of Object.entries(options) as [string, OptionKind<unknown>][]) {
    if (!kind.parse) continue;
    if (!owners.has(key)) owners.set(key, new Map());
    owners.get(key)!.set(method, kind);
  }
}

const read = (kind: OptionKind<unknown>, text: string): unknown => {
  const value = kind.parse!(text);
  return value !== undefined && kind.accepts(value) ? value : undefined;
};

/** Text, until it is known which methods read it. The help of these options is {@link methodHelp}. */
export const methodOptions: Record<string, OptionKind<string>> = {};
for (const [key, kinds] of owners) {
  const all = [...kinds.values()];
  const option: CommandOption<string> = {
    default: undefined,
    help: all[0]!.help,
    placeholder: all[0]!.placeholder,
    allowed: [...new Set(all.map((k) => k.allowed))].join(' or '),
    accepts: (text) => all.some((kind) => read(kind, text as string) !== undefined),
    parse: (text) => text,
    isHidden: true,
  };
  methodOptions[key] = option;
  for (const [method, kind] of kinds) {
    const { help, placeholder, allowed } = kind;
    const accepts = (text: unknown) => read(kind, text as string) !== undefined;
    methodOptions[`${method}.${key}`] = { ...option, help, placeholder, allowed, accepts };
  }
}

/**
 * What the command line says to each of the methods. A value that only some of them can read goes to those.
 * @throws WgradError 'usage' for an option that none of them has.
 */
export function settingsOf(
  names: readonly MethodName[],
  given: Readonly<Record<string, unknown>>,
): (MethodOptions & { method: MethodName })[] {
  for (const [key, kinds] of owners) {
    const stranger = [...kinds.keys()].find((n) => given[`${n}.${key}`] !== undefined && !names.includes(n));
    if (stranger) throw new WgradError('usage', `--${stranger}.${key} is of a method that is not asked for`);
    const text = given[key];
    if (text === undefined) continue;
    const having = names.filter((n) => kinds.has(n));
    if (having.length === 0) {
      throw new WgradError('usage', `--${key} is an option of ${[...kinds.keys()].join(', ')}, not of ${names.join(', ')}`); // prettier-ignore
    }
    if (having.every((n) => read(kinds.get(n)!, text as string) === undefined)) {
      const allowed = [...new Set(having.map((n) => kinds.get(n)!.allowed))].join(' or ');
      throw new WgradError('usage', `${having.join(', ')}: --${key} ${String(text)}: ${allowed} is needed`);
    }
  }
  return names.map((method) => {
    const own = Object.keys(methodOf(method).options).flatMap((key) => {
      const kind = owners.get(key)?.get(method);
      const text = given[`${method}.${key}`] ?? given[key];
      const value = kind && text !== undefined ? read(kind, text as string) : undefined;
      return value === undefined ? [] : [[key, value] as const];
    });
    return { method, ...Object.fromEntries(own) } as MethodOptions & { method: MethodName };
  });
}

/** The methods by cost, then each option with the methods that have it and their defaults. */
export function methodHelp(): string {
  const rows = costTable().map(({ method, forwards, summary }) => {
    const own = [...owners].flatMap(([key, kinds]) => {
      const kind = kinds.get(method);
      return kind ? [`--${key}${kind.default === undefined ? '' : ` ${String(kind.default)}`}`] : [];
    });
    const caution = methodOf(method).caution;
    return [
      `  ${method.padEnd(28)} ${printForwards(forwards).padStart(6)}  ${summary}`,
      ...(caution ? [`${' '.repeat(38)}beware: it ${caution}`] : []),
      ...(own.length > 0 ? [`${' '.repeat(38)}${own.join(' ')}`] : []),
    ].join('\n');
  });
  const meanings = [...owners].flatMap(([key, kinds]) => {
    // Methods that say the same of an option share a line.
    const byHelp = new Map<string, [MethodName[], OptionKind<unknown>]>();
    for (const [method, kind] of kinds) {
      const known = byHelp.get(kind.help);
      if (known) known[0].push(method);
      else byHelp.set(kind.help, [[method], kind]);
    }
    return [...byHelp.values()].map(([names, kind]) => {
      const of = names.length > 3 ? `${names.length} methods` : names.join(', ');
      return `  ${`--${key} ${kind.placeholder}`.padEnd(36)} ${kind.help} (${of})`;
    });
  });
  return `Methods, with what a map costs in forward passes of the network (a gradient counts as two; a picture of 224 x 224,
default options), and the options of each with their defaults:

${rows.join('\n')}

Options of the methods; one that is given goes to every chosen method that has it, or to one: --lime.samples 500

${meanings.join('\n')}`;
}
