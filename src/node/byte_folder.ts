/** Bytes by name in a folder, such as the features that `fit` keeps for later trainings. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WgradError } from '../errors.ts';
import type { ByteStore } from '../train/feature_store.ts';
import { prepareFolder, writeWhole } from './write.ts';

/**
 * One file a name, written whole.
 * @throws (rejects) WgradError 'file-write', 'disk-full'; 'invalid-argument' for a name that is no plain one.
 */
export async function byteFolder(folder: string): Promise<ByteStore> {
  await prepareFolder(folder);
  const pathOf = (name: string) => {
    if (!/^[\w-]+$/.test(name)) throw new WgradError('invalid-argument', `byteFolder: '${name}' is no plain name`);
    return join(folder, `${name}.bin`);
  };
  return {
    read: async (name) => readFile(pathOf(name)).catch(() => undefined),
    write: (name, bytes) => writeWhole(pathOf(name), bytes),
  };
}
