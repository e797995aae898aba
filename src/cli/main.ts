/**
 * The `wgrad` command. Exit codes: 0 done, 1 an error of ours (its code is printed), 2 wrong usage, 130 interrupted.
 * Dawn's threads outlive the work, so that the process ends by an explicit exit.
 */
import { parseArgs } from 'node:util';
import type { Engine } from '../engine.ts';
import { WgradError } from '../errors.ts';
import { createEngine } from '../node/index.ts';
import { ascendCommand } from './ascend.ts';
import { classifyCommand } from './classify.ts';
import type { Command, Context } from './command.ts';
import { evalCommand } from './eval.ts';
import { explainCommand } from './explain.ts';
import { fetchCommand } from './fetch.ts';
import { finetuneCommand } from './finetune.ts';
import { infoCommand } from './info.ts';
import { tourCommand } from './tour.ts';

const commands: Record<string, Command> = {
  tour: tourCommand,
  info: infoCommand,
  classify: classifyCommand,
  explain: explainCommand,
  ascend: ascendCommand,
  finetune: finetuneCommand,
  eval: evalCommand,
  fetch: fetchCommand,
};

const common: Command['options'] = {
  json: { type: 'boolean', help: 'print one JSON document on standard output' },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
  adapter: { type: 'string', value: 'NAME', help: 'gpu, lavapipe, chromium or swiftshader (or WGRAD_ADAPTER)' },
};

function overview(): string {
  const rows = Object.entries(commands).map(([name, c]) => `  ${name.padEnd(10)} ${c.summary}`);
  return `wgrad COMMAND [...]\n\n${rows.join('\n')}\n\n  wgrad COMMAND --help tells more.`;
}

function help(name: string, command: Command): string {
  const rows = Object.entries({ ...command.options, ...common }).map(([option, o]) => {
    const left = `${o.short ? `-${o.short}, ` : ''}--${option}${o.type === 'string' ? ` ${o.value ?? 'VALUE'}` : ''}`;
    return `  ${left.padEnd(28)} ${o.help}${o.default !== undefined ? ` (default ${o.default})` : ''}`;
  });
  return `wgrad ${name} ${command.usage}\n\n${command.summary}\n\n${rows.join('\n')}`;
}

function parse(name: string, command: Command, args: string[]) {
  const all = { ...command.options, ...common };
  const options = Object.fromEntries(
    Object.entries(all).map(([key, o]) => [
      key,
      { type: o.type, multiple: o.multiple ?? false, ...(o.short !== undefined && { short: o.short }) },
    ]),
  );
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (cause) {
    throw new WgradError('usage', (cause as Error).message.split('. ')[0]!, {
      remedy: `See: wgrad ${name} --help`,
      cause,
    });
  }
}

async function run(argv: string[]): Promise<number> {
  const [name, ...args] = argv;
  if (!name || name === '--help' || name === '-h') {
    console.log(overview());
    return name ? 0 : 2;
  }
  const command = commands[name];
  if (!command) throw new WgradError('usage', `wgrad has no command '${name}'`, { remedy: 'See: wgrad --help' });
  const { values, positionals } = parse(name, command, args);
  if (values['help']) {
    console.log(help(name, command));
    return 0;
  }
  const controller = new AbortController();
  process.on('SIGINT', () => {
    // A second Ctrl-C does not wait for the work to wind down.
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  });
  let engine: Promise<Engine> | undefined;
  const json = values['json'] === true;
  const log = (line: string) => (json ? console.error(line) : console.log(line));
  const text = (option: string) => (values[option] as string | undefined) ?? command.options[option]?.default;
  const context: Context = {
    positionals,
    json,
    log,
    signal: controller.signal,
    text,
    texts: (option) => ((values[option] ?? []) as string[]).flatMap((v) => v.split(',')),
    flag: (option) => values[option] === true,
    number(option) {
      const value = Number(text(option));
      if (text(option) === undefined || !Number.isFinite(value)) {
        throw new WgradError('usage', `--${option} ${text(option) ?? ''} is no number`);
      }
      return value;
    },
    engine: () =>
      (engine ??= createEngine({
        log,
        ...(values['adapter'] !== undefined && { adapter: values['adapter'] as string }),
      })),
    progress(label, done, total) {
      const share = total > 0 ? done / total : 0;
      const bar = '█'.repeat(Math.round(share * 24)).padEnd(24, '░');
      if (process.stderr.isTTY) process.stderr.write(`\r${label} ${bar} ${done}/${total} ${done >= total ? '\n' : ''}`);
      else if (done >= total) process.stderr.write(`${label} ${done}/${total}\n`);
    },
    result(value) {
      if (json) console.log(JSON.stringify(value, null, 2));
    },
  };
  await command.run(context);
  (await engine)?.dispose();
  return 0;
}

/** Lets everything that was printed reach a pipe before the process ends. */
const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write('', () => resolve()));

run(process.argv.slice(2))
  .catch((error: unknown) => {
    if (error instanceof Error && error.name === 'AbortError') {
      console.error('interrupted');
      return 130;
    }
    if (error instanceof WgradError) {
      console.error(`wgrad: ${error.message} [${error.code}]`);
      return error.code === 'usage' ? 2 : 1;
    }
    console.error(error);
    return 1;
  })
  .then(async (code) => {
    await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
    process.exit(code);
  });
