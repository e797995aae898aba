/** Long calls by name: one that begins anew stops the one before. */
import { WgradError } from '../../../src/errors.ts';

export const isLost = (error: unknown): boolean => error instanceof WgradError && error.code === 'device-lost';

export class Jobs {
  private readonly running = new Map<string, AbortController>();

  /** @param recover called where the device was lost, so that the next call finds another one. */
  constructor(private readonly recover: () => Promise<void>) {}

  async run<T>(name: string, work: (signal: AbortSignal) => T | Promise<T>): Promise<T> {
    this.stop(name);
    const controller = new AbortController();
    this.running.set(name, controller);
    try {
      return await work(controller.signal);
    } catch (error) {
      if (isLost(error)) await this.recover().catch(() => undefined);
      throw error;
    } finally {
      if (this.running.get(name) === controller) this.running.delete(name);
    }
  }

  stop(name: string): void {
    this.running.get(name)?.abort();
    this.running.delete(name);
  }
}
