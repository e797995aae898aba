/** The checkout's or package's own folder, from the sources, from dist and from its chunks alike. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const above = [1, 2, 3, 4].map((steps) => new URL('../'.repeat(steps), import.meta.url));

/** With a slash at its end. */
export const packageFolder = fileURLToPath(above.find((folder) => existsSync(new URL('package.json', folder)))!);

export const packageVersion = (): string =>
  (JSON.parse(readFileSync(`${packageFolder}package.json`, 'utf8')) as { version: string }).version;
