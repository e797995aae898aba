/** `wgrad finetune` as a process of its own that is killed at some moment, and taken up again until it is through. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * @param killAfter milliseconds after the first checkpoint of this run's file is there; undefined: never.
 * @returns the exit code, null where it was killed.
 */
async function finetune(args: readonly string[], checkpoint: string, killAfter?: number): Promise<number | null> {
  const child = spawn(process.execPath, ['--import', 'tsx', `${root}src/cli/main.ts`, 'finetune', ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  let isTraining = false;
  child.stderr.on('data', (part) => {
    said += String(part);
    isTraining ||= /held-out pictures of/.test(said);
  });
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  if (killAfter !== undefined) {
    const watch = setInterval(() => {
      if (!isTraining || !existsSync(checkpoint)) return;
      clearInterval(watch);
      setTimeout(() => child.kill('SIGKILL'), killAfter);
    }, 5);
    void closed.then(() => clearInterval(watch));
  }
  const code = await closed;
  if (code !== 0 && code !== null) throw new Error(`finetune ended with ${code}:\n${said}`);
  return code;
}

/**
 * Trains with a kill after each of `delays`, and once more to the end.
 * @returns how many of the kills met it.
 */
export async function trainKilled(args: readonly string[], checkpoint: string, delays: readonly number[]) {
  let kills = 0;
  for (const delay of delays) {
    const resume = existsSync(checkpoint) ? ['--resume'] : [];
    if ((await finetune([...args, ...resume], checkpoint, delay)) === null) kills++;
    else return kills;
  }
  await finetune([...args, '--resume'], checkpoint);
  return kills;
}

/** To the end, without a break. */
export const trainThrough = (args: readonly string[]) => finetune(args, '');
