/** weights/manifest.json: published weights with their size, hash and preprocessing. */
import { readFileSync } from 'node:fs';
import { WgradError } from '../errors.ts';
import { packageFolder } from './package.ts';

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
}

export const manifest = JSON.parse(readFileSync(`${packageFolder}weights/manifest.json`, 'utf8')) as Manifest;

/** By name or alias. @throws WgradError 'unknown-name' listing what there is. */
export function findPublished(name: string): PublishedModel {
  const found = manifest.models.find((m) => m.name === (manifest.aliases[name] ?? name));
  if (found) return found;
  const known = [...Object.keys(manifest.aliases), ...manifest.models.map((m) => m.name)].join(', ');
  throw new WgradError('unknown-name', `no published weights are called '${name}'`, { remedy: `There are: ${known}` });
}
