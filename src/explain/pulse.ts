/** Maps so far are made no more often than this, milliseconds. */
const EVERY = 400;

/** Says when the next map so far may be made. */
export class Pulse {
  private last = performance.now();

  /** True at most every {@link EVERY} milliseconds. */
  due(): boolean {
    const now = performance.now();
    if (now - this.last < EVERY) return false;
    this.last = now;
    return true;
  }
}
