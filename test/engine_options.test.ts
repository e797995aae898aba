/** What an engine's options ask of an adapter; adapters are stood in for, so that each request can be looked at. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openDevice } from '../src/engine_options.ts';
import { isSoftwareAdapter, SOFTWARE_NOTE } from '../src/gpu/adapter.ts';

afterEach(() => vi.unstubAllGlobals());

/** An adapter that has `limits` and `features`, and tells what was asked of it. */
function adapterOf(limits: Record<string, number>, features: string[] = [], info: Partial<GPUAdapterInfo> = {}) {
  const asked: GPUDeviceDescriptor[] = [];
  const least = { maxBufferSize: 256, maxStorageBufferBindingSize: 128, maxStorageBuffersPerShaderStage: 8, maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 256, maxComputeWorkgroupSizeY: 256, maxComputeWorkgroupStorageSize: 16384 }; // prettier-ignore
  const adapter = {
    limits: { ...least, ...limits },
    features: new Set(features),
    info: { vendor: '', architecture: '', device: '', description: '', ...info },
    requestDevice(descriptor: GPUDeviceDescriptor) {
      asked.push(descriptor);
      return Promise.resolve({ lost: new Promise(() => {}), limits: adapter.limits });
    },
  };
  return { adapter: adapter as unknown as GPUAdapter, asked };
}

describe('the device', () => {
  it('has what wgrad wants at the full value of the adapter, and what the caller requires', async () => {
    const { adapter, asked } = adapterOf({ maxBufferSize: 4096, maxTextureDimension2D: 16384, minUniformBufferOffsetAlignment: 64 }, ['subgroups', 'float32-filterable']); // prettier-ignore
    const requiredLimits = { maxTextureDimension2D: 12000, minUniformBufferOffsetAlignment: 128 };
    await openDevice({ adapter, requiredLimits, requiredFeatures: ['float32-filterable'] });
    expect(asked[0]!.requiredLimits).toMatchObject({ maxBufferSize: 4096, ...requiredLimits });
    // Not 'shader-f16', which the adapter does not have.
    expect([...asked[0]!.requiredFeatures!].sort()).toEqual(['float32-filterable', 'subgroups']);
  });

  it.each([
    ['a larger limit', { requiredLimits: { maxBufferSize: 512 } }, /maxBufferSize 512: it has 256/],
    ['a finer alignment', { requiredLimits: { minUniformBufferOffsetAlignment: 16 } }, /Alignment 16: it has 64/],
    ['a limit that WebGPU does not know', { requiredLimits: { maxFrogs: 1 } }, /maxFrogs/],
    ['a feature', { requiredFeatures: ['shader-f16' as const] }, /shader-f16/],
  ])('is refused %s that the adapter does not have, before it is asked for', async (_, options, message) => {
    const { adapter, asked } = adapterOf({ minUniformBufferOffsetAlignment: 64 });
    const refused = { code: 'limit-exceeded', message: expect.stringMatching(message), remedy: expect.any(String) };
    await expect(openDevice({ adapter, ...options })).rejects.toMatchObject(refused);
    expect(asked).toEqual([]);
  });

  it('is of the adapter that is preferred: the fast one, unless another is asked for', async () => {
    const requestAdapter = vi.fn((_: GPURequestAdapterOptions) => Promise.resolve(adapterOf({}).adapter));
    vi.stubGlobal('isSecureContext', true);
    vi.stubGlobal('navigator', { gpu: { requestAdapter } });
    await openDevice({});
    await openDevice({ powerPreference: 'low-power' });
    expect(requestAdapter.mock.calls.map(([o]) => o.powerPreference)).toEqual(['high-performance', 'low-power']);
  });

  it('always has a name', async () => {
    const named = async (info: Partial<GPUAdapterInfo>, description?: string) =>
      (await openDevice({ adapter: adapterOf({}, [], info).adapter, ...(description !== undefined && { description }) })).description; // prettier-ignore
    expect(await named({ vendor: 'nvidia', architecture: 'hopper' })).toBe('nvidia · hopper');
    expect(await named({ vendor: 'nvidia' }, 'my GPU')).toBe('my GPU');
    expect(await named({ vendor: 'nvidia' }, '')).toBe('nvidia');
    expect(await named({})).toBe('unnamed adapter');
  });

  it('of another library is taken as it is', async () => {
    const device = { lost: new Promise(() => {}), adapterInfo: { vendor: 'theirs' } } as unknown as GPUDevice;
    expect((await openDevice({ device })).description).toBe('theirs');
    const wrong = { code: 'invalid-argument' };
    for (const more of [{ requiredLimits: {} }, { requiredFeatures: [] }, { adapter: adapterOf({}).adapter }, { restores: 1 }]) await expect(openDevice({ device, ...more })).rejects.toMatchObject(wrong); // prettier-ignore
    for (const wanted of [{ restores: -1 }, { restores: 0.5 }, { memoryLimit: 0 }, { memoryLimit: NaN }]) await expect(openDevice({ adapter: adapterOf({}).adapter, ...wanted })).rejects.toMatchObject(wrong); // prettier-ignore
  });
});

it.each([
  [{ vendor: 'google', architecture: 'swiftshader' }, true],
  [{ vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, true],
  [{ vendor: 'microsoft', description: 'Microsoft Basic Render Driver' }, true],
  [{ vendor: 'unknown', isFallbackAdapter: true }, true],
  [{ vendor: 'nvidia', architecture: 'hopper' }, false],
  [{ vendor: 'apple', description: 'metal-3' }, false],
])('%o computes on the processor: %s', (info, expected) => {
  const whole = { ...{ vendor: '', architecture: '', device: '', description: '' }, ...info } as GPUAdapterInfo;
  expect(isSoftwareAdapter(whole)).toBe(expected);
  expect(SOFTWARE_NOTE).toContain('on the processor');
});
