/** The end of a command: Dawn keeps the process alive, and a wrong command line needs no stack. */
import { UsageError } from './options.ts';

export async function ended(work: () => Promise<void>): Promise<never> {
  try {
    await work();
    process.exit(0);
  } catch (error) {
    console.error(error instanceof UsageError ? error.message : error);
    process.exit(error instanceof UsageError ? 2 : 1);
  }
}
