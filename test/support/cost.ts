/** What a test file costs in processor seconds, which say the same on a busy machine; for `npm run test:slow`. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** Of this process, drivers' threads included, and of the processes that it has waited for (Linux only). */
function seconds(): number {
  const { user, system } = process.cpuUsage();
  const own = (user + system) / 1e6;
  if (!existsSync('/proc/self/stat')) return own;
  // Fields 16 and 17, counted behind the name, which may hold spaces; in ticks of 10 ms.
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)!.split(' ');
  return own + (Number(fields[13]) + Number(fields[14])) / 100;
}

/** @returns what adds the cost since this call to `log`, a line of JSON a file. */
export function costSince(log: string): (file: string) => void {
  const start = seconds();
  return (file) => appendFileSync(log, `${JSON.stringify({ file, seconds: seconds() - start })}\n`);
}
