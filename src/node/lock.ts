/**
 * One process at a time, by a lock file beside the file in question. The holder touches it every few seconds; a lock
 * whose process is no more, or that nobody has touched for a minute, is taken over.
 */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from './process.ts';
import { writeFault } from './write.ts';

/** Milliseconds. */
const times = { touch: 5_000, stale: 60_000, poll: 200 } as const;

export interface LockOptions {
  signal?: AbortSignal | undefined;
  /** Called at each look at a lock that another process holds. */
  onWait?: (pid: number) => void;
}

/** @throws what `work` throws; 'file-write', 'disk-full' where no lock can be made; the signal's reason. */
export async function withLock<T>(file: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const lock = `${file}.lock`;
  const owner = `${hostname()} ${process.pid} ${randomUUID()}`;
  while (!(await take(lock, owner))) {
    options.signal?.throwIfAborted();
    const held = await readFile(lock, 'utf8').catch(() => undefined);
    if (held === undefined) continue;
    if (await isStale(lock, held)) await remove(lock, held);
    else {
      options.onWait?.(pidOf(held));
      await sleep(times.poll, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
  const touch = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => undefined), times.touch);
  touch.unref();
  try {
    return await work();
  } finally {
    clearInterval(touch);
    await remove(lock, owner);
  }
}

async function take(lock: string, owner: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx');
    await file.writeFile(owner).finally(() => file.close());
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    await rm(lock, { force: true }).catch(() => undefined);
    throw writeFault(lock, cause);
  }
}

const pidOf = (held: string) => Number(held.split(' ')[1]);

async function isStale(lock: string, held: string): Promise<boolean> {
  // Written in two steps: a lock without its owner's name is a second old at most, or its owner died in between.
  const age = await stat(lock).then((s) => Date.now() - s.mtimeMs, () => 0); // prettier-ignore
  if (age > times.stale || (held === '' && age > 1000)) return true;
  return held.startsWith(`${hostname()} `) && !isRunning(pidOf(held));
}

/** Removes the lock if it is still the one that was seen. A rename first: of two who do this at once, one has it. */
async function remove(lock: string, seen: string): Promise<void> {
  if ((await readFile(lock, 'utf8').catch(() => undefined)) !== seen) return;
  const mine = `${lock}.${process.pid}-${randomUUID()}`;
  await rename(lock, mine).catch(() => undefined);
  await rm(mine, { force: true });
}
