/** The three faults of a page, each its own code; `navigator` and the secure context are stood in for. */
import { afterEach, expect, test, vi } from 'vitest';
import { openAdapter } from '../../src/gpu/adapter.ts';

afterEach(() => vi.unstubAllGlobals());

function page(secure: boolean, gpu: unknown): void {
  vi.stubGlobal('isSecureContext', secure);
  vi.stubGlobal('navigator', gpu === undefined ? {} : { gpu });
}
const info = { vendor: 'google', architecture: 'swiftshader', device: '', description: '' };
const noAdapter = { requestAdapter: () => Promise.resolve(null) };

test.each([
  ['an insecure context', 'insecure-context', false, undefined, /https/],
  ['no navigator.gpu', 'no-webgpu', true, undefined, /browser|Chrom/],
  ['a null adapter', 'no-adapter', true, noAdapter, /acceleration/],
] as const)('%s is %s, with a remedy', async (_, code, secure, gpu, remedy) => {
  page(secure, gpu);
  await expect(openAdapter()).rejects.toMatchObject({ code, remedy: expect.stringMatching(remedy) });
});

test('an adapter is handed on, with its name', async () => {
  const adapter = { info };
  page(true, { requestAdapter: () => Promise.resolve(adapter) });
  const opened = await openAdapter();
  expect(opened.adapter).toBe(adapter);
  expect(opened.description).toBe('google · swiftshader');
});
