/** Where the files of a log go: a folder on disk (`folderLog` of wgrad/node), one of a page, or memory. */

export interface LogSink {
  /**
   * Adds to the end of a file, which begins with its first bytes; all of them or, where it rejects, none.
   * @param path relative, with '/' between folders.
   */
  append(path: string, bytes: Uint8Array): Promise<void>;
}

/** Keeps the files in memory, for a download or a test. */
export class MemoryLog implements LogSink {
  /** Path -> content. */
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();

  append(path: string, bytes: Uint8Array): Promise<void> {
    const before = this.files.get(path) ?? new Uint8Array();
    const after = new Uint8Array(before.length + bytes.length);
    after.set(before);
    after.set(bytes, before.length);
    this.files.set(path, after);
    return Promise.resolve();
  }
}
