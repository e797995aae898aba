/** The script of a Worker that computes for a page: `new Worker(new URL('./wgrad.ts', import.meta.url), { type: 'module' })`,
 * where wgrad.ts is the one line `import 'wgrad/worker/thread'`. */
import { host } from './host.ts';
import { expose } from './wire.ts';

expose(host());
