/** The reference data stays outside the project: WGRAD_DATA, or ../shared/data beside the checkout. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = process.env['WGRAD_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));

/** Undefined where the data is absent; the reason is printed once. */
export const dataFolder: string | undefined = existsSync(`${folder}/golden/ops.json`) ? folder : undefined;

export const whyNoData = `no reference data at ${folder} (set WGRAD_DATA)`;

if (!dataFolder) console.warn(`skipped: ${whyNoData}`);
