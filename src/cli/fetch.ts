/** `wgrad fetch NAME`: published weights into the cache, verified. */
import { findPublished, manifest } from '../node/manifest.ts';
import { download } from '../node/download.ts';
import { defineCommand } from './command.ts';

export const fetchCommand = defineCommand({
  summary: 'download published weights, verified by their SHA-256',
  usage: '[NAME]   (without a name: the list)',
  arity: [0, 1],
  options: {},
  async run(c) {
    const [name] = c.positionals;
    if (name === undefined) {
      for (const m of manifest.models) {
        c.print(`${m.name.padEnd(28)} ${(m.bytes / 1e6).toFixed(0).padStart(4)} MB  ${m.note}`);
      }
      const aliases = Object.entries(manifest.aliases).map(([alias, of]) => `${alias} = ${of}`);
      c.print(`aliases: ${aliases.join(', ')}`);
      c.result(manifest);
      return;
    }
    const entry = findPublished(name);
    const file = await download(entry, {
      signal: c.signal,
      onProgress: (done, total) => c.progress(entry.name, done, total),
      onWait: (pid) => c.note(`process ${pid} downloads the same file: waiting for it`),
    });
    c.print(file);
    c.result({ name: entry.name, file });
  },
});
