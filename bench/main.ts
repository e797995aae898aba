/**
 * npm run bench: suites beside peers, in this process on Dawn. See --help. Writes result.json (bench/schema.json),
 * result.md and index.html.
 */
import { ended } from './hosts/ended.ts';
import { readOptions } from './hosts/options.ts';
import { nodePeers, runInNode } from './hosts/run_node.ts';

await ended(async () => {
  const options = readOptions(process.argv.slice(2), 'node', nodePeers);
  if (options) await runInNode(options);
});
