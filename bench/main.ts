/**
 * npm run bench: suites beside peers, in this process on Dawn. See --help. Writes result.json (bench/schema.json),
 * result.md and index.html.
 */
import { ended } from './hosts/ended.ts';
import { fileWork } from './hosts/files.ts';
import { nodePeers, readOptions } from './hosts/options.ts';

await ended(async () => {
  const options = readOptions(process.argv.slice(2), 'node', nodePeers);
  if (!options) return;
  if (options.kind !== 'run') return fileWork(options);
  // Dawn and tfjs are not loaded to compare two files.
  const { runInNode } = await import('./hosts/run_node.ts');
  await runInNode(options);
});
