/** The packages that only Node and the command need. A page that installs wgrad gets none of them. */
import { WgradError } from '../errors.ts';

/** One line for all three: whoever lacks one lacks the next one too. */
export const INSTALL_PEERS = 'npm install webgpu sharp @sparticuz/chromium';

/**
 * A package that may not be installed.
 * @param load `() => import('sharp')`: a literal, which bundlers and TypeScript see.
 * @param purpose what cannot be done without it.
 * @throws WgradError 'package-missing' naming it and how to install it.
 */
export async function peer<T>(name: string, load: () => Promise<T>, purpose: string): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    // Something that the package itself lacks is another error.
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw cause;
    throw new WgradError('package-missing', `${purpose} needs the npm package ${name}, which is not installed`, {
      remedy: `Install what Node needs: ${INSTALL_PEERS}`,
      cause,
    });
  }
}
