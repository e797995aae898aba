/** What a browser says when a device goes, and what the caller hears. */
import { expect, it } from 'vitest';
import { Device } from '../../src/gpu/device.ts';

/** A device of which nothing is there but its end. */
function fake() {
  let lose!: (why: GPUDeviceLostInfo) => void;
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => (lose = resolve));
  return { device: Device.share({ lost, adapterInfo: {} } as unknown as GPUDevice), lose };
}

const why = { reason: 'unknown', message: 'the GPU process crashed' } as GPUDeviceLostInfo;
const refused = { mapAsync: () => Promise.reject(new DOMException('unmapped', 'AbortError')) } as unknown as GPUBuffer;
const deviceLost = { code: 'device-lost', message: expect.stringContaining('the GPU process crashed') };

it('a mapping that is refused before the loss is known is the loss', async () => {
  const { device, lose } = fake();
  const mapping = device.map(refused);
  setTimeout(() => lose(why), 20);
  await expect(mapping).rejects.toMatchObject(deviceLost);
});

it('work that would wait for ever ends with the device, and what comes after does not begin', async () => {
  const { device, lose } = fake();
  const forever = device.whileAlive(new Promise(() => {}));
  lose(why);
  await expect(forever).rejects.toMatchObject(deviceLost);
  expect(() => device.check()).toThrow(expect.objectContaining(deviceLost));
  expect(await device.lost).toMatchObject(deviceLost);
  await expect(device.whileAlive(Promise.resolve(1))).rejects.toMatchObject(deviceLost);
});

it('a mapping refused for no reason that comes to light is a loss all the same', async () => {
  const { device } = fake();
  await expect(device.map(refused)).rejects.toMatchObject({ code: 'device-lost' });
});
