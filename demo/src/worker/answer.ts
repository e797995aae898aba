/** What crosses from the worker: a value, or an error with its code, which structured cloning would drop. */
import { WgradError } from '../../../src/errors.ts';

export interface Fault {
  /** 'aborted' where the user stopped it. */
  code: string;
  message: string;
  remedy?: string | undefined;
}

export type Answer<T> = { value: T } | { fault: Fault };

export const isLost = (error: unknown): boolean => error instanceof WgradError && error.code === 'device-lost';

export function faultOf(error: unknown): Fault {
  if (error instanceof DOMException && error.name === 'AbortError') return { code: 'aborted', message: 'Stopped' };
  if (error instanceof WgradError) {
    const message = error.remedy ? error.message.replace(`. ${error.remedy}`, '') : error.message;
    return { code: error.code, message, remedy: error.remedy };
  }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

/** Long calls by name: one that begins anew stops the one before. */
export class Jobs {
  private readonly running = new Map<string, AbortController>();

  /** @param recover called where the device was lost, so that the next call finds another one. */
  constructor(private readonly recover: () => Promise<void>) {}

  async run<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>> {
    this.stop(name);
    const controller = new AbortController();
    this.running.set(name, controller);
    try {
      return { value: await work(controller.signal) };
    } catch (error) {
      if (isLost(error)) await this.recover().catch(() => undefined);
      return { fault: faultOf(error) };
    } finally {
      if (this.running.get(name) === controller) this.running.delete(name);
    }
  }

  stop(name: string): void {
    this.running.get(name)?.abort();
    this.running.delete(name);
  }

  stopAll(): void {
    for (const name of [...this.running.keys()]) this.stop(name);
  }
}
