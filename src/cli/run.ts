/** One command from its arguments to its exit code; what it prints goes to the given streams. */
import type { Engine } from '../engine.ts';
import { WgradError } from '../errors.ts';
import { createEngine } from '../node/index.ts';
import { packageVersion } from '../node/package.ts';
import { activationGridCommand } from './activation_grid.ts';
import { ascendCommand } from './ascend.ts';
import { classifyCommand } from './classify.ts';
import type { Command, CommandOption, Context } from './command.ts';
import { datasetExamplesCommand } from './dataset_examples.ts';
import { evalCommand } from './eval.ts';
import { evaluateCommand } from './evaluate.ts';
import { explainCommand } from './explain.ts';
import { fetchCommand } from './fetch.ts';
import { finetuneCommand } from './finetune.ts';
import { infoCommand } from './info.ts';
import type { Interrupt } from './interrupt.ts';
import { exitCodes, help, parseCommand } from './parse.ts';
import { Terminal, type Stream } from './terminal.ts';
import { profileCommand } from './profile.ts';
import { tuneCommand } from './tune.ts';
import { tourCommand } from './tour.ts';
import { trustCommand } from './trust.ts';

export const commands: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    tour: tourCommand,
    info: infoCommand,
    classify: classifyCommand,
    explain: explainCommand,
    trust: trustCommand,
    ascend: ascendCommand,
    'dataset-examples': datasetExamplesCommand,
    'activation-grid': activationGridCommand,
    finetune: finetuneCommand,
    profile: profileCommand,
    tune: tuneCommand,
    evaluate: evaluateCommand,
    eval: evalCommand,
    fetch: fetchCommand,
  }),
);

function overview(): string {
  const rows = [...commands].map(([name, c]) => `  ${name.padEnd(16)} ${c.summary}`);
  return `wgrad COMMAND [...]\n\n${rows.join('\n')}\n\nwgrad help COMMAND tells more; wgrad --version.\n\n${exitCodes}`;
}

/** @throws WgradError 'usage'. */
function commandOf(name: string): Command {
  const command = commands.get(name);
  if (command) return command;
  const remedy = `Commands: ${[...commands.keys()].join(', ')}; see: wgrad help`;
  throw new WgradError('usage', `wgrad has no command '${name}'`, { remedy });
}

/** What needs no command: help and version. Undefined where a command is to be run. */
function answer(argv: readonly string[]): { text: string; code: number } | undefined {
  const [name, ...args] = argv;
  if (name === undefined) return { text: overview(), code: 2 };
  if (name === '--version' || name === '-V' || name === 'version')
    return { text: `wgrad ${packageVersion()}`, code: 0 };
  const asked = name === '--help' || name === '-h' || name === 'help' ? args[0] : undefined;
  if (asked !== undefined) return { text: help(asked, commandOf(asked)), code: 0 };
  if (name === '--help' || name === '-h' || name === 'help') return { text: overview(), code: 0 };
  return undefined;
}

export interface Io {
  out: Stream;
  err: Stream;
  interrupt: Interrupt;
  /** Where a command's engine comes from; default {@link createEngine}. The command disposes of it. */
  openEngine?: typeof createEngine;
}

/** @returns the exit code. Never rejects. */
export async function runCommand(argv: readonly string[], io: Io): Promise<number> {
  const { out, err, interrupt } = io;
  const json = argv.includes('--json');
  const terminal = new Terminal(out, err, json);
  try {
    const known = answer(argv);
    if (known) {
      (known.code === 0 ? out : err).write(`${known.text}\n`);
      return known.code;
    }
    const [name, ...args] = argv as [string, ...string[]];
    const command = commandOf(name);
    const { options, positionals } = parseCommand(name, command, args);
    if (options['help']) {
      out.write(`${help(name, command)}\n`);
      return 0;
    }
    await interrupt.race(execute(command, options, positionals, terminal, io, shellLine(argv)));
    return 0;
  } catch (error) {
    terminal.clear();
    return report(error, terminal, { verbose: argv.includes('--verbose'), interrupted: interrupt.signal.aborted });
  }
}

/** As a POSIX shell would read it back. */
const shellLine = (argv: readonly string[]): string =>
  ['wgrad', ...argv.map((a) => (/^[\w@%+=:,./-]+$/.test(a) ? a : `'${a.replaceAll("'", `'\\''`)}'`))].join(' ');

async function execute(
  command: Command,
  options: Record<string, unknown>,
  positionals: string[],
  terminal: Terminal,
  { interrupt, openEngine = createEngine }: Io,
  line: string,
): Promise<void> {
  for (const [key, kind] of Object.entries(command.options) as [string, CommandOption<unknown>][]) {
    if (options[key] !== undefined) await kind.prepare?.(options[key]);
  }
  let engine: Promise<Engine> | undefined;
  const adapter = options['adapter'] as string | undefined;
  const context: Context = {
    positionals,
    line,
    print: (line) => terminal.print(line),
    note: (line) => terminal.note(line),
    progress: (label, done, total) => terminal.progress(label, done, total),
    result: (value) => terminal.result(value),
    signal: interrupt.signal,
    hold: (work) => interrupt.hold(work),
    engine() {
      const log = (line: string) => terminal.note(line);
      engine ??= openEngine({ log, ...(adapter !== undefined && { adapter }) });
      return engine;
    },
  };
  await command.run(context, options);
  (await engine)?.dispose();
}

/** Says what went wrong, to people and, with --json, to programs. @returns the exit code. */
export function report(
  error: unknown,
  terminal: Terminal,
  { verbose = false, interrupted = false }: { verbose?: boolean; interrupted?: boolean } = {},
): number {
  if (error instanceof Error && error.name === 'AbortError' && interrupted) {
    terminal.note('interrupted');
    return 130;
  }
  const known = error instanceof WgradError;
  const { message, stack, cause } = error instanceof Error ? error : new Error(String(error));
  const code = known ? error.code : 'fault';
  const line = message.split('\n')[0]!;
  const ask = 'This is a fault of wgrad: please report it, with what the same command prints with --verbose';
  terminal.note(known ? `wgrad: ${message} [${code}]` : `wgrad: unexpected: ${line}. ${ask} [${code}]`);
  if (verbose) {
    terminal.note(stack ?? '');
    if (cause !== undefined) terminal.note(`caused by: ${(cause as Error).stack ?? String(cause)}`);
  }
  terminal.result({ error: { code, message: known ? message : line } });
  return known ? (error.code === 'usage' ? 2 : 1) : 3;
}
