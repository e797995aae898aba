/** A folder that the user of a page has picked, or one of the origin's own, for TensorBoard's event files. */
import { WgradError } from '../errors.ts';
import type { LogSink } from '../tensorboard/index.ts';

/**
 * `new SummaryWriter(folderLog(await showDirectoryPicker({ mode: 'readwrite' })))`. Files that are there go on; each write
 * is whole or not at all.
 * @throws (each append) 'file-write', 'disk-full'
 */
export function folderLog(folder: FileSystemDirectoryHandle): LogSink {
  return {
    async append(path, bytes) {
      const parts = path.split('/');
      const name = parts.pop()!;
      try {
        let parent = folder;
        for (const part of parts) parent = await parent.getDirectoryHandle(part, { create: true });
        const handle = await parent.getFileHandle(name, { create: true });
        const { size } = await handle.getFile();
        const stream = await handle.createWritable({ keepExistingData: true });
        try {
          await stream.write({ type: 'write', position: size, data: bytes as Uint8Array<ArrayBuffer> });
        } catch (error) {
          await stream.abort();
          throw error;
        }
        await stream.close();
      } catch (cause) {
        const full = cause instanceof DOMException && cause.name === 'QuotaExceededError';
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new WgradError(
          full ? 'disk-full' : 'file-write',
          `${folder.name}/${path}: cannot be written: ${reason}`,
          {
            remedy: full ? 'Free some space' : 'Let the page write to the folder, or pick another one',
            cause,
          },
        );
      }
    },
  };
}
