/** A folder for TensorBoard's event files. */
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LogSink } from '../tensorboard/index.ts';
import { prepareFolder, writeFault } from './write.ts';

/**
 * `new SummaryWriter(folderLog('runs/first'))`. Files that are there go on. A write that fails, as on a full disk, is
 * taken back, so that no file ends in half a record.
 * @throws (each append) 'disk-full', 'file-write', naming the file
 */
export function folderLog(folder: string): LogSink {
  return {
    async append(path, bytes) {
      const file = join(folder, path);
      await prepareFolder(dirname(file), file);
      try {
        const handle = await open(file, 'a');
        try {
          const { size } = await handle.stat();
          try {
            await handle.writeFile(bytes);
          } catch (error) {
            await handle.truncate(size);
            throw error;
          }
        } finally {
          await handle.close();
        }
      } catch (cause) {
        throw writeFault(file, cause);
      }
    },
  };
}
