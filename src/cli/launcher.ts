/**
 * Runs the command in a process of its own, and stays beside it for what that process cannot do for itself: leave out
 * two lines that the driver's library writes to standard error (native code, beyond the reach of JavaScript), end it at
 * a second Ctrl-C while it is busy in native code, and say so when the driver takes it down.
 */
import { spawn } from 'node:child_process';

/** What Dawn says of every software adapter, and nobody can do anything about. */
const noise = /^Warning: maxDynamic\w+ artificially reduced from \d+ to \d+ to fit dynamic offset allocation limit\.$/;
const noiseStart = 'Warning: maxDynamic';

/** Milliseconds that a process has to end after a second Ctrl-C. */
const GRACE = 200;

/** Passes text on as it comes but for lines of noise; a line that may become one waits for its end. */
export function lineFilter(pass: (text: string) => void): { write(text: string): void; end(): void } {
  let line = '';
  /** How much of `line` was passed on. */
  let passed = 0;
  const mayBeNoise = () => line.startsWith(noiseStart.slice(0, line.length)) || line.startsWith(noiseStart);
  return {
    write(text) {
      const parts = text.split('\n');
      parts.forEach((part, i) => {
        line += part;
        const ended = i < parts.length - 1;
        if (passed > 0 || !(ended ? noise.test(line) : mayBeNoise())) {
          const rest = line.slice(passed) + (ended ? '\n' : '');
          if (rest) pass(rest);
          passed = line.length;
        }
        if (ended) [line, passed] = ['', 0];
      });
    },
    end() {
      if (passed < line.length) pass(line.slice(passed));
    },
  };
}

/** Starts `program` in Node (whose own options are those of NODE_OPTIONS); the process ends with its exit code. */
export function launch(program: string, args: readonly string[]): void {
  const columns = process.stderr.isTTY ? { WGRAD_COLUMNS: String(process.stderr.columns) } : {};
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['inherit', 'inherit', 'pipe'],
    env: { ...process.env, ...columns },
  });
  const pass = (text: string) => void process.stderr.write(text);
  const filter = args.includes('--verbose') ? { write: pass, end: () => undefined } : lineFilter(pass);
  child.stderr.setEncoding('utf8').on('data', (text: string) => filter.write(text));
  process.stderr.on('error', () => undefined);

  let interrupts = 0;
  const interrupt = () => {
    interrupts++;
    // A terminal sends the signal to both; another process may have sent it here alone.
    child.kill('SIGTERM');
    if (interrupts > 1) setTimeout(() => child.kill('SIGKILL'), GRACE);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);

  const end = (code: number | null, signal: NodeJS.Signals | null) => {
    filter.end();
    if (code === null && interrupts === 0 && signal !== null) {
      pass(`wgrad: the process was ended by ${signal}: a fault of the driver, or of the system that ended it. `);
      pass(`Try another adapter: WGRAD_ADAPTER=swiftshader [crashed]\n`);
    }
    process.exit(code ?? (interrupts > 0 ? 130 : 3));
  };
  child.on('error', (error) => {
    pass(`wgrad: the command does not start: ${error.message}\n`);
    process.exit(3);
  });
  // Standard error may outlive the process, where a browser that it started holds it: not for long.
  child.on('exit', (code, signal) => setTimeout(() => end(code, signal), GRACE));
  child.on('close', end);
}
