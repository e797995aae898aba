/** Where a Chromium or Chrome is installed. */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** Distributions put a script on the path and the program elsewhere. */
const homes = ['/usr/lib/chromium/chromium', '/usr/lib/chromium-browser/chromium-browser', '/opt/google/chrome/chrome'];

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The program's real path: CHROME_PATH, PUPPETEER_EXECUTABLE_PATH, the usual homes, then the search path. */
export function findChromium(): string | undefined {
  const given = [process.env['CHROME_PATH'], process.env['PUPPETEER_EXECUTABLE_PATH']];
  const onPath = (process.env['PATH'] ?? '').split(delimiter).flatMap((folder) => names.map((n) => join(folder, n)));
  for (const file of [...given, ...homes, ...onPath]) {
    if (!file || !isExecutable(file)) continue;
    const real = realpathSync(file);
    return existsSync(join(dirname(real), 'vk_swiftshader_icd.json')) ? real : file;
  }
  return undefined;
}
