/** What tests cost in processor seconds, which say the same on a busy machine; for `npm run test:slow`. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/**
 * Processor seconds that only a hang or a pass of the wrong order takes: such are minutes, and what is tested takes at
 * most 2 s on an idle machine, which neighbours on its cores can make several times as much.
 */
export const HANG_SECONDS = 20;

export interface Cost {
  file: string;
  /** Undefined for the file as a whole, imports and hooks included. */
  test?: string;
  seconds: number;
}

/** Of this process, drivers' threads included, and of the processes that it has waited for (Linux only). */
export function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  const own = (user + system) / 1e6;
  if (!existsSync('/proc/self/stat')) return own;
  // Fields 16 and 17, counted behind the name, which may hold spaces; in ticks of 10 ms.
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ');
  return own + (Number(fields[13]) + Number(fields[14])) / 100;
}

/** A line of JSON each. */
export const noteCost = (log: string, cost: Cost) => appendFileSync(log, `${JSON.stringify(cost)}\n`);
