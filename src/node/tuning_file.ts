/** Node's tuning store: a file in the cache folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TuningStore } from '../gemm/records.ts';
import { cacheFolder } from './cache.ts';
import { writeWhole } from './write.ts';

/** @throws WgradError as {@link cacheFolder}. */
export function tuningFile(path = join(cacheFolder(), 'tuning.json')): TuningStore {
  return {
    name: path,
    async read() {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    write: (text) => writeWhole(path, text),
  };
}
