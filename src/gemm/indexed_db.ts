/** A page's tuning store: one text in IndexedDB. */
import type { TuningStore } from './records.ts';

const [DATABASE, TABLE, KEY] = ['wgrad', 'tuning', 'records'] as const;

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error as Error);
  });

async function inTable<T>(mode: IDBTransactionMode, ask: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(TABLE);
  const database = await done(opening);
  try {
    return await done(ask(database.transaction(TABLE, mode).objectStore(TABLE)));
  } finally {
    database.close();
  }
}

export const indexedDbStore: TuningStore = {
  name: 'IndexedDB',
  read: () => inTable<string | undefined>('readonly', (table) => table.get(KEY) as IDBRequest<string | undefined>),
  async write(text) {
    await inTable('readwrite', (table) => table.put(text, KEY));
  },
};
