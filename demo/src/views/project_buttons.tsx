/** Keeps classes and pictures in this browser, so that a project outlives the tab. */
import { useState } from 'preact/hooks';
import { faultOf, lab, type Fault } from '../lab.ts';
import { Button } from '../ui/parts.tsx';
import type { TuneClass } from './class_list.tsx';

interface ProjectButtonsProps {
  disabled: boolean;
  classes: readonly TuneClass[];
  onLoad: (classes: TuneClass[]) => void;
  onFault: (fault: Fault) => void;
}

interface Stored {
  name: string;
  pictures: { width: number; height: number; data: Uint8ClampedArray<ArrayBuffer>; pinned: boolean }[];
}

const STORE = 'projects';
const KEY = 'last';

function database(): Promise<IDBDatabase> {
  return settled(Object.assign(indexedDB.open('wgrad', 1), { onupgradeneeded(this: IDBOpenDBRequest) { this.result.createObjectStore(STORE); } })); // prettier-ignore
}

const settled = <T,>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the browser keeps no data for this page'));
  });

export function ProjectButtons({ disabled, classes, onLoad, onFault }: ProjectButtonsProps) {
  const [note, setNote] = useState('');
  const guarded = (work: () => Promise<string>) => () =>
    void work().then(setNote, (error: unknown) => onFault(faultOf(error)));
  const save = guarded(async () => {
    const stored = classes.map(({ name, items }): Stored => ({ name, pictures: items.map(({ image, pinned }) => ({ width: image.width, height: image.height, data: new Uint8ClampedArray(image.data), pinned })) })); // prettier-ignore
    await settled((await database()).transaction(STORE, 'readwrite').objectStore(STORE).put(stored, KEY));
    return 'Saved in this browser';
  });
  const load = guarded(async () => {
    const stored = (await settled((await database()).transaction(STORE).objectStore(STORE).get(KEY))) as
      Stored[] | undefined;
    if (!stored) return 'Nothing was saved yet';
    const loaded: TuneClass[] = [];
    for (const { name, pictures } of stored) {
      const items: TuneClass['items'] = [];
      for (const { data, width, height, pinned } of pictures)
        items.push({ ...(await lab.add(new ImageData(data, width, height))), pinned });
      loaded.push({ name, items });
    }
    onLoad(loaded);
    return 'Loaded';
  });
  return (
    <>
      <Button disabled={disabled} onClick={save}>
        Save project
      </Button>
      <Button disabled={disabled} onClick={load}>
        Load project
      </Button>
      <span class="note" role="status">
        {note}
      </span>
    </>
  );
}
