/** Long work on the host in turns: between two of them events are handled and an abort is seen. */

/** Well under a frame's worth of frames: a page stays alive, and an abort is seen at once. */
const TURN_MS = 25;

export class Pace {
  private turn = performance.now();

  constructor(private readonly signal?: AbortSignal) {}

  /**
   * Call it between pieces of work, as often as is handy: it waits only where a turn is over.
   * @throws the signal's reason once it is aborted.
   */
  async next(): Promise<void> {
    this.signal?.throwIfAborted();
    if (performance.now() - this.turn < TURN_MS) return;
    // A timer and not a microtask: only tasks let clicks, timers and other people's promises through.
    await new Promise((resolve) => setTimeout(resolve));
    this.signal?.throwIfAborted();
    this.turn = performance.now();
  }
}
