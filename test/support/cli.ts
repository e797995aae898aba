/** The command in this process: another one takes seconds to start where cores are few and busy. */
import { Interrupt } from '../../src/cli/interrupt.ts';
import { runCommand, type Io } from '../../src/cli/run.ts';
import { createEngine } from '../../src/node/index.ts';
import { freshEngine } from './engine.ts';

const openEngine: Io['openEngine'] = async (options = {}) => {
  if (options.adapter !== undefined) return createEngine(options);
  const engine = await freshEngine();
  options.log?.(`adapter: ${engine.description}`);
  return engine;
};

/** @param hear gets each part that is written, and may ask the command to stop. */
export async function command(args: string[], hear?: (text: string, interrupt: Interrupt) => void) {
  const seen = { out: '', err: '' };
  const interrupt = new Interrupt();
  const stream = (key: 'out' | 'err') => ({
    write(text: string) {
      seen[key] += text;
      hear?.(text, interrupt);
    },
  });
  const code = await runCommand(args, { out: stream('out'), err: stream('err'), interrupt, openEngine });
  return { code, ...seen };
}
