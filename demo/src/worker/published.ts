/** Published weights that the repository knows (weights/manifest.json): where they are, their hash, labels and preprocessing. */
import labelsUrl from '../../../weights/imagenet-labels.json?url';
import manifestUrl from '../../../weights/manifest.json?url';
import { WgradError } from '../../../src/errors.ts';
import { parsePreprocess, type Preprocess } from '../../../src/image/preprocess_spec.ts';

interface Published {
  name: string;
  url: string;
  sha256: string;
  bytes: number;
}

interface Manifest {
  aliases: Record<string, string>;
  preprocess: unknown;
  models: Published[];
}

/** What the files leave unsaid. */
export interface Described {
  labels: string[];
  preprocess: Preprocess;
}

const readJson = async (url: string): Promise<unknown> => (await fetch(new URL(url, import.meta.url))).json();

const manifest = () => readJson(manifestUrl) as Promise<Manifest>;

const described = async ({ preprocess }: Manifest): Promise<Described> => ({
  labels: (await readJson(labelsUrl)) as string[],
  preprocess: parsePreprocess(preprocess),
});

/** By name or alias. @throws WgradError 'unknown-name'. */
export async function published(name: string): Promise<Published & Described> {
  const all = await manifest();
  const found = all.models.find((m) => m.name === (all.aliases[name] ?? name));
  if (!found) throw new WgradError('unknown-name', `no published weights are called '${name}'`);
  return { ...found, ...(await described(all)) };
}

/** Undefined where the file is none of them, under whatever name it was given. */
export async function knownFile(bytes: Uint8Array): Promise<Described | undefined> {
  const all = await manifest();
  const candidates = all.models.filter((m) => m.bytes === bytes.length);
  if (candidates.length === 0) return undefined;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  const sha256 = Array.from(hash, (b) => b.toString(16).padStart(2, '0')).join('');
  return candidates.some((m) => m.sha256 === sha256) ? described(all) : undefined;
}
