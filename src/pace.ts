/** Long work on the host in turns: between two of them events are handled and an abort is seen. */

/** Work in pieces: it yields after each, and may be done at once ({@link atOnce}) or in turns ({@link Pace.through}). */
export type Pieces<T> = Generator<undefined, T, undefined>;

export function atOnce<T>(pieces: Pieces<T>): T {
  for (;;) {
    const step = pieces.next();
    if (step.done) return step.value;
  }
}

/** Well under a frame's worth of frames: a page stays alive, and an abort is seen at once. */
const TURN_MS = 25;

export class Pace {
  private turn: number;

  /** @param over whether what was done before took a turn already. */
  constructor(
    private readonly signal?: AbortSignal,
    over = false,
  ) {
    this.turn = over ? -Infinity : performance.now();
  }

  private get isOver(): boolean {
    return performance.now() - this.turn >= TURN_MS;
  }

  /** Does the work, a turn at a time. @throws the signal's reason once it is aborted, and what the work throws. */
  async through<T>(pieces: Pieces<T>): Promise<T> {
    await this.next();
    for (;;) {
      const step = pieces.next();
      if (step.done) return step.value;
      if (this.isOver) await this.next();
    }
  }

  /**
   * Call it between pieces of work, as often as is handy: it waits only where a turn is over.
   * @throws the signal's reason once it is aborted.
   */
  async next(): Promise<void> {
    this.signal?.throwIfAborted();
    if (!this.isOver) return;
    // A timer and not a microtask: only tasks let clicks, timers and other people's promises through.
    await new Promise((resolve) => setTimeout(resolve));
    this.signal?.throwIfAborted();
    this.turn = performance.now();
  }
}
