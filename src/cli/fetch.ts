/** `wgrad fetch NAME`: published weights into the cache, verified. */
import { WgradError } from '../errors.ts';
import { findPublished, manifest } from '../node/manifest.ts';
import { download } from '../node/download.ts';
import type { Command } from './command.ts';

export const fetchCommand: Command = {
  summary: 'download published weights, verified by their SHA-256',
  usage: '[NAME]   (without a name: the list)',
  options: {},
  async run(c) {
    const [name] = c.positionals;
    if (!name) {
      for (const m of manifest.models)
        c.log(`${m.name.padEnd(28)} ${(m.bytes / 1e6).toFixed(0).padStart(4)} MB  ${m.note}`);
      c.log(
        `aliases: ${Object.entries(manifest.aliases)
          .map(([a, n]) => `${a} = ${n}`)
          .join(', ')}`,
      );
      c.result(manifest);
      return;
    }
    if (c.positionals.length > 1) throw new WgradError('usage', 'fetch: one name at a time');
    const entry = findPublished(name);
    const file = await download(entry, {
      signal: c.signal,
      onProgress: (done, total) => c.progress(entry.name, done, total),
    });
    c.log(file);
    c.result({ name: entry.name, file });
  },
};
