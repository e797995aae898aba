/** npm run bench:browser: the cases of `npm run bench` in a page of headless Chromium, beside peers that need one. */
import { ended } from './hosts/ended.ts';
import { fileWork } from './hosts/files.ts';
import { readOptions } from './hosts/options.ts';
import { browserPeers } from './hosts/peers.ts';

await ended(async () => {
  const options = readOptions(process.argv.slice(2), 'browser', Object.keys(browserPeers));
  if (!options) return;
  if (options.kind !== 'run') return fileWork(options);
  const { runInBrowser } = await import('./hosts/run_browser.ts');
  await runInBrowser(options);
});
