/**
 * Ctrl-C. The first asks the work to end, and ends it after a second if it does not, unless the work holds on to save
 * something; the second ends the process at once.
 */

/** Milliseconds that work has to end by itself. */
const GRACE = 1000;

export class Interrupt {
  private readonly controller = new AbortController();
  private held = 0;
  private cut!: (reason: unknown) => void;
  /** Never resolves; rejects when the work is cut off. */
  private readonly cutOff = new Promise<never>((_, reject) => (this.cut = reject));

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  constructor() {
    this.cutOff.catch(() => undefined);
  }

  /** @returns false when it had been asked for before. */
  ask(): boolean {
    if (this.signal.aborted) return false;
    this.controller.abort();
    const timer = setInterval(() => {
      if (this.held > 0) return;
      clearInterval(timer);
      this.cut(this.signal.reason);
    }, GRACE);
    return true;
  }

  /** `work`, or the interruption. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.cutOff]);
  }

  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.held++;
    try {
      return await work();
    } finally {
      this.held--;
    }
  }
}
