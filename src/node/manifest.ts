/** weights/manifest.json: published weights with their size and hash, their preprocessing and labels. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { WgradError } from '../errors.ts';
import { parsePreprocess, type Preprocess } from '../image/preprocess_spec.ts';
import { packageFolder } from './package.ts';

/** Weights that `wgrad fetch` knows: where they are, their SHA-256, labels and preprocessing. */
export interface PublishedModel {
  name: string;
  file: string;
  url: string;
  /** Hexadecimal. */
  sha256: string;
  bytes: number;
  /** Name of the graph's input, where known. */
  input: string | null;
  note: string;
}

export interface Manifest {
  models: PublishedModel[];
  aliases: Record<string, string>;
  /** Of every model in it. */
  preprocess: unknown;
  /** File with the class names, beside the manifest. */
  labels: string;
}

const readJson = (file: string): unknown => JSON.parse(readFileSync(`${packageFolder}weights/${file}`, 'utf8'));

export const manifest = readJson('manifest.json') as Manifest;

/** Undefined where neither a name nor an alias fits. */
export const publishedAs = (name: string): PublishedModel | undefined =>
  manifest.models.find((m) => m.name === (manifest.aliases[name] ?? name));

/** By name or alias. @throws WgradError 'unknown-name' listing what there is. */
export function findPublished(name: string): PublishedModel {
  const found = publishedAs(name);
  if (found) return found;
  const known = [...Object.keys(manifest.aliases), ...manifest.models.map((m) => m.name)].join(', ');
  throw new WgradError('unknown-name', `no published weights are called '${name}'`, { remedy: `There are: ${known}` });
}

/** The 1000 classes of ImageNet, in the order of the logits. */
export const imagenetLabels = (): string[] => readJson(manifest.labels) as string[];

/** What published files leave unsaid; undefined where `bytes` are none of theirs, under whatever name they lie. */
export function describePublished(
  bytes: Uint8Array,
  models: readonly PublishedModel[] = manifest.models,
): { labels: string[]; preprocess: Preprocess } | undefined {
  if (!models.some((m) => m.bytes === bytes.length)) return undefined;
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (!models.some((m) => m.sha256 === hash)) return undefined;
  return { labels: imagenetLabels(), preprocess: parsePreprocess(manifest.preprocess) };
}
