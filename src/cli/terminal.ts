/** Results, notes and a progress bar: what a person or a program sees of a command. The bar shares its line with nothing. */

export interface Stream {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Milliseconds between two pictures of the bar. */
const PACE = 80;

const CLEAR = '\r\x1b[2K';

export class Terminal {
  private bar = '';
  private drawn = -Infinity;
  private printed = false;

  /** @param json standard output holds one JSON document: lines of results go to standard error. */
  constructor(
    private readonly out: Stream,
    private readonly err: Stream,
    private readonly json = false,
  ) {}

  print(line: string): void {
    this.line(this.json ? this.err : this.out, line);
  }

  note(line: string): void {
    this.line(this.err, line);
  }

  result(value: unknown): void {
    if (!this.json || this.printed) return;
    this.printed = true;
    this.line(this.out, JSON.stringify(value, null, 2));
  }

  progress(label: string, done: number, total: number): void {
    const end = done >= total;
    const text = `${label} ${done}/${total}`;
    if (end) {
      this.clear();
      this.note(text);
    } else if (this.err.isTTY) this.draw(text, total > 0 ? done / total : 0);
  }

  /** Takes the bar away, as before an error. */
  clear(): void {
    if (this.bar) this.err.write(CLEAR);
    this.bar = '';
    this.drawn = -Infinity;
  }

  private line(stream: Stream, line: string): void {
    const { bar } = this;
    this.clear();
    stream.write(`${line}\n`);
    // Below the line that was printed, the bar goes on.
    if (bar) this.err.write((this.bar = bar));
  }

  private draw(text: string, share: number): void {
    const now = performance.now();
    if (now - this.drawn < PACE) return;
    this.drawn = now;
    const cells = '█'.repeat(Math.round(share * 24)).padEnd(24, '░');
    this.bar = [...`${cells} ${text}`].slice(0, (this.err.columns ?? 80) - 1).join('');
    this.err.write(`${CLEAR}${this.bar}`);
  }
}
