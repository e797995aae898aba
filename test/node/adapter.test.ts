/** Adapters that are really opened, and a shader run on them. */
import { describe, expect, test } from 'vitest';
import { describeAdapter, openAdapter } from '../../src/node/adapter.ts';
import { square } from '../support/square.ts';

const input = Array.from({ length: 100 }, (_, i) => i - 50);
const squares = input.map((x) => x * x);

test('the default adapter computes', async () => {
  const lines: string[] = [];
  const { adapter, kind, description } = await openAdapter({ log: (line) => lines.push(line) });
  expect(lines).toEqual([`adapter: ${description}`]);
  expect(description).toContain(` · ${kind} · Dawn `);
  expect(await square(adapter, input)).toEqual(squares);
});

describe.runIf(process.platform === 'linux' && process.arch === 'x64')('the carried SwiftShader', () => {
  test('computes, whatever else the machine has', async () => {
    const { adapter, kind } = await openAdapter({ choice: 'swiftshader' });
    expect(kind).toBe('swiftshader');
    expect(describeAdapter(adapter)).toMatch(/SwiftShader.* · swiftshader · Dawn \d+\.\d+/);
    expect(await square(adapter, input)).toEqual(squares);
  });
  test('opens twice at once, and leaves the environment as it was', async () => {
    const before = { ...process.env };
    const both = await Promise.all([openAdapter({ choice: 'swiftshader' }), openAdapter({ choice: 'swiftshader' })]);
    expect(process.env).toEqual(before);
    expect(await Promise.all(both.map(({ adapter }) => square(adapter, input)))).toEqual([squares, squares]);
  });
  test('VK_DRIVER_FILES that name no driver are an error that names them, not another adapter', async () => {
    const { VK_DRIVER_FILES, WGRAD_ADAPTER } = process.env;
    process.env['VK_DRIVER_FILES'] = '/nowhere/driver.json';
    delete process.env['WGRAD_ADAPTER'];
    try {
      await expect(openAdapter()).rejects.toMatchObject({
        code: 'no-adapter',
        message: expect.stringContaining('/nowhere/driver.json'),
        remedy: expect.stringContaining('VK_DRIVER_FILES'),
      });
    } finally {
      delete process.env['VK_DRIVER_FILES'];
      if (VK_DRIVER_FILES !== undefined) process.env['VK_DRIVER_FILES'] = VK_DRIVER_FILES;
      if (WGRAD_ADAPTER !== undefined) process.env['WGRAD_ADAPTER'] = WGRAD_ADAPTER;
    }
  });
});
