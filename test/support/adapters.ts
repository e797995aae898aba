/** The adapters that op tests run on: the one that the run began with, and SwiftShader where that is another one. */
import type { Engine } from '../../src/engine.ts';
import { createEngine } from '../../src/node/index.ts';
import { testEngine, watched } from './engine.ts';

const own = await testEngine();
const software = await createEngine({ adapter: 'swiftshader' }).then(watched, () => undefined);
const same = software?.description === own.description;
if (!software) console.log('skipped on SwiftShader: it cannot be opened here');
if (same) software!.dispose();

/** For `describe.each(adapters)('... on %s', (_, engine) => ...)`; as {@link testEngine}, for all files of a process. */
export const adapters: [name: string, engine: Engine][] = [
  [own.description, own],
  ...(software && !same ? [[software.description, software] as [string, Engine]] : []),
];
