/** The time that a software adapter's threads took on a processor: Linux alone tells it. */
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds on a processor of all threads but this one, which waits. */
export const driverTime = () =>
  readdirSync('/proc/self/task')
    .filter((thread) => Number(thread) !== process.pid)
    .reduce(
      (sum, thread) => sum + Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
      0,
    ) / 1e6;
