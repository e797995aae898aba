/** A cache of bounded size: the entry that has not been asked for the longest goes first. */
export class Lru<K, V> {
  private readonly entries = new Map<K, V>();

  /** @param drop told of each entry that had to go, or was cleared. */
  constructor(
    private readonly limit: number,
    private readonly drop: (value: V) => void = () => undefined,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  get(key: K): V | undefined {
    const value = this.entries.get(key);
    if (value === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size <= this.limit) return;
    const [oldest, gone] = this.entries.entries().next().value!;
    this.entries.delete(oldest);
    this.drop(gone);
  }

  /** Forgets one entry, without {@link drop}. */
  delete(key: K): void {
    this.entries.delete(key);
  }

  clear(): void {
    for (const value of this.entries.values()) this.drop(value);
    this.entries.clear();
  }
}
