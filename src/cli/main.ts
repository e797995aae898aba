/**
 * The `wgrad` command as a process: signals, streams that break, and an explicit exit, since Dawn's threads outlive the
 * work.
 */
import { WgradError } from '../errors.ts';
import { Interrupt } from './interrupt.ts';
import { report, runCommand } from './run.ts';
import { Terminal, type Stream } from './terminal.ts';

const interrupt = new Interrupt();

/** The launcher's pipe stands for the terminal that it writes to; it says how wide that is. */
const columns = Number(process.env['WGRAD_COLUMNS']);
const err: Stream = {
  isTTY: process.stderr.isTTY || columns > 0,
  columns: columns || process.stderr.columns,
  write: (text) => process.stderr.write(text),
};

// The launcher hands an interrupt on as SIGTERM, beside the SIGINT that the terminal sends to both.
process.on('SIGTERM', () => interrupt.ask());
process.on('SIGINT', () => {
  if (!interrupt.ask()) process.exit(130);
});
process.on('SIGHUP', () => interrupt.ask());

const terminal = () => new Terminal(process.stdout, err, process.argv.includes('--json'));
const fault = (error: unknown) =>
  process.exit(
    report(error, terminal(), { verbose: process.argv.includes('--verbose'), interrupted: interrupt.signal.aborted }),
  );
process.on('uncaughtException', fault);
process.on('unhandledRejection', fault);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `wgrad info | head -1`: who read has enough.
  if (error.code === 'EPIPE') process.exit(141);
  const code = error.code === 'ENOSPC' ? 'disk-full' : 'file-write';
  fault(new WgradError(code, `standard output cannot be written: ${error.message}`));
});
process.stderr.on('error', () => undefined);

/** Lets everything that was printed reach a pipe before the process ends. */
const flushed = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write('', () => resolve()));

const code = await runCommand(process.argv.slice(2), { out: process.stdout, err, interrupt });
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(code);
