/** Keeps the network, classes, pictures and settings in this browser, so that a project outlives the tab. */
import { useState } from 'preact/hooks';
import { faultOf, lab, type Fault } from '../lab.ts';
import { Button } from '../ui/parts.tsx';
import type { ModelInfo } from '../worker/session.ts';
import type { TuneClass } from './class_list.tsx';
import type { TuneSettings } from './settings.tsx';

interface ProjectButtonsProps {
  disabled: boolean;
  project: Project;
  onLoad: (project: Project, model: ModelInfo) => void;
  onFault: (fault: Fault) => void;
}

/** What a person has put into the view. */
export interface Project {
  model: string;
  classes: readonly TuneClass[];
  unfrozen: readonly string[];
  settings: TuneSettings;
}

interface StoredClass {
  name: string;
  pictures: { width: number; height: number; data: Uint8ClampedArray<ArrayBuffer>; pinned: boolean }[];
}

interface Stored extends Omit<Project, 'classes'> {
  classes: StoredClass[];
  /** An ONNX file. */
  network: Uint8Array;
}

/** Not 'wgrad': that is the engine's, which keeps its tuning there. */
const DATABASE = 'wgrad page';
const STORE = 'projects';
const KEY = 'project';

function database(): Promise<IDBDatabase> {
  return settled(Object.assign(indexedDB.open(DATABASE, 1), { onupgradeneeded(this: IDBOpenDBRequest) { this.result.createObjectStore(STORE); } })); // prettier-ignore
}

const settled = <T,>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the browser keeps no data for this page'));
  });

export function ProjectButtons({ disabled, project, onLoad, onFault }: ProjectButtonsProps) {
  const [note, setNote] = useState('');
  const guarded = (work: () => Promise<string>) => () =>
    void work().then(setNote, (error: unknown) => onFault(faultOf(error)));
  const save = guarded(async () => {
    const classes = project.classes.map(({ name, items }): StoredClass => ({ name, pictures: items.map(({ image, pinned }) => ({ width: image.width, height: image.height, data: new Uint8ClampedArray(image.data), pinned })) })); // prettier-ignore
    const stored: Stored = { ...project, classes, network: await lab.save() };
    await settled((await database()).transaction(STORE, 'readwrite').objectStore(STORE).put(stored, KEY));
    return 'Saved in this browser';
  });
  const load = guarded(async () => {
    const stored = (await settled((await database()).transaction(STORE).objectStore(STORE).get(KEY))) as
      Stored | undefined;
    if (!stored) return 'Nothing was saved yet';
    const { network, classes: kept, ...rest } = stored;
    const model = await lab.openFile(network, rest.model);
    const classes: TuneClass[] = [];
    for (const { name, pictures } of kept) {
      const items: TuneClass['items'] = [];
      for (const { data, width, height, pinned } of pictures)
        items.push({ ...(await lab.add(new ImageData(data, width, height))), pinned });
      classes.push({ name, items });
    }
    onLoad({ ...rest, classes }, model);
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
