/** The choice of a driver, on machines that are described and not there. */
import { describe, expect, test } from 'vitest';
import { candidates, type Machine } from '../../src/node/candidates.ts';

const icd = '/usr/share/vulkan/icd.d';

interface Described {
  env?: Record<string, string>;
  devices?: string[];
  drivers?: string[];
  chromium?: string;
  carried?: string;
  platform?: NodeJS.Platform;
}

function machine({ env = {}, devices = [], drivers = [], chromium, carried, platform = 'linux' }: Described): Machine {
  const swiftshaders = [chromium?.replace(/\/[^/]*$/, ''), carried].map(
    (folder) => `${folder}/vk_swiftshader_icd.json`,
  );
  return {
    platform,
    env,
    exists: (path) => devices.includes(path) || swiftshaders.includes(path),
    list: (folder) => (folder === icd ? drivers : []),
    chromium: () => chromium,
    carried: () => Promise.resolve(carried),
  };
}

async function order(described: Described, choice?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { kind, icd: drivers } of candidates(choice, machine(described))) found.push(`${kind} ${drivers}`);
  return found;
}

const everything: Described = {
  devices: ['/dev/dri'],
  drivers: ['radeon_icd.json', 'lvp_icd.json', 'README', 'intel_icd.json'],
  chromium: '/opt/google/chrome/chrome',
  carried: '/cache/swiftshader',
};
const gpu = `gpu ${icd}/intel_icd.json:${icd}/radeon_icd.json`;
const lavapipe = `lavapipe ${icd}/lvp_icd.json`;
const chromium = 'chromium /opt/google/chrome/vk_swiftshader_icd.json';
const carried = 'swiftshader /cache/swiftshader/vk_swiftshader_icd.json';

describe('without a choice', () => {
  test('a physical GPU, lavapipe, the installed SwiftShader, the carried one', async () => {
    expect(await order(everything)).toEqual([gpu, lavapipe, chromium, carried]);
  });
  test('GPU drivers without a GPU device are not tried', async () => {
    expect(await order({ ...everything, devices: [] })).toEqual([lavapipe, chromium, carried]);
  });
  test('a bare machine has the carried SwiftShader alone', async () => {
    expect(await order({ carried: '/cache/swiftshader' })).toEqual([carried]);
  });
  test('a machine without the package has nothing', async () => {
    expect(await order({})).toEqual([]);
  });
  test.each(['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'])('%s is the only thing tried', async (name) => {
    expect(await order({ ...everything, env: { [name]: '/my/driver.json' } })).toEqual(['undefined /my/driver.json']);
  });
  test('off Linux the system is asked first, for its GPU', async () => {
    expect(await order({ platform: 'darwin' })).toEqual(['gpu undefined']);
  });
});

describe('a choice', () => {
  test.each([
    ['gpu', gpu],
    ['lavapipe', lavapipe],
    ['chromium', chromium],
    ['swiftshader', carried],
  ])('%s is tried alone', async (choice, expected) => {
    expect(await order(everything, choice)).toEqual([expected]);
  });
  test.each([
    ['lavapipe', '/my/lvp_icd.json'],
    ['swiftshader', '/my/vk_swiftshader_icd.json'],
    ['gpu', '/my/nvidia_icd.json'],
  ])('%s takes a driver of its kind from VK_DRIVER_FILES', async (choice, file) => {
    expect(await order({ ...everything, env: { VK_DRIVER_FILES: file } }, choice)).toEqual([`${choice} ${file}`]);
  });
  test('goes before VK_DRIVER_FILES of another kind', async () => {
    const env = { VK_DRIVER_FILES: '/my/lvp_icd.json' };
    expect(await order({ ...everything, env }, 'swiftshader')).toEqual([carried]);
  });
  test('an unknown one is refused by name', async () => {
    await expect(order(everything, 'vulkan')).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining("'vulkan'"),
    });
  });
});
