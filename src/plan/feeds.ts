/** What a run is given: values on the host, or buffers of the engine's device, checked against the program's inputs. */
import { WgradError } from '../errors.ts';
import { rangeOf, type BufferRange } from '../gpu/buffer_range.ts';
import { checkReadable, unreadable } from '../gpu/read_range.ts';
import { GPU_USAGE, type Device } from '../gpu/device.ts';
import { show } from '../graph/shape.ts';
import type { Tensor, TensorData } from '../graph/tensor.ts';
import type { Plan } from './plan.ts';

/**
 * Values for one input, row-major: on the host; or on the device as float32 (int32 for inputs of that dtype), a whole
 * buffer or `{ buffer, offset, size }`, of exactly as many bytes as the input has. Such a buffer needs `COPY_SRC`.
 */
export type Feed = TensorData | readonly number[] | number | GPUBuffer | GPUBufferBinding;

/** Values for the inputs, by name, row-major. They are copied when the run is asked for. */
export type Feeds = Readonly<Record<string, Feed>>;

/** One input's values as a run takes them. */
export type FeedData = TensorData | BufferRange;

/**
 * Feeds as the device takes them, in the order of the plan's inputs.
 * @throws WgradError 'unknown-name', 'missing-feed', 'shape', 'dtype', 'invalid-argument'.
 */
export function orderedFeeds({ inputs }: Plan, feeds: Feeds): FeedData[] {
  for (const name of Object.keys(feeds)) {
    if (inputs.has(name)) continue;
    const known = [...inputs.keys()].join(', ') || 'none';
    throw new WgradError('unknown-name', `the program has no input ${name}`, { remedy: `Its inputs are: ${known}` });
  }
  return [...inputs].map(([name, { tensor }]) => {
    const value = feeds[name];
    if (value === undefined) throw new WgradError('missing-feed', `the program's input ${name} was not given`);
    const range = rangeOf(value);
    if (!range) return asTensorData(name, tensor, value as TensorData);
    checkReadable(range, `input ${name}`);
    if (range.size === 4 * tensor.size) return range;
    throw new WgradError('shape', `input ${name}: ${range.size} bytes given, ${show(tensor.shape)} has ${4 * tensor.size}`, {
      remedy: 'Give a part of a larger buffer as { buffer, offset, size }',
    }); // prettier-ignore
  });
}

/** Values as of a call, for a run that begins later. */
export interface KeptFeeds {
  list: FeedData[];
  /** Settles when the device has them; never rejects. */
  ready: Promise<void> | undefined;
  /** Why they could not be copied. */
  fault: Error | undefined;
  free(): void;
}

/**
 * Copies of `list`, whatever becomes of the originals: those on the device are made there, in its order.
 * @param feeds what `list` was made of; what is not in it is a copy already.
 * @throws WgradError 'out-of-memory', 'limit-exceeded'.
 */
export function keepFeeds(device: Device, list: readonly FeedData[], feeds: Feeds): KeptFeeds {
  const copies: GPUBuffer[] = [];
  const free = () => copies.splice(0).forEach((buffer) => device.destroyBuffer(buffer));
  const kept: KeptFeeds = { list: [], ready: undefined, fault: undefined, free };
  const originals = new Set<unknown>(Object.values(feeds));
  kept.list = list.map((feed) => (originals.has(feed) && ArrayBuffer.isView(feed) ? feed.slice() : feed));
  if (list.every((feed) => ArrayBuffer.isView(feed))) return kept;
  const { COPY_SRC, COPY_DST } = GPU_USAGE;
  try {
    const [, accepted] = device.scoped('an input', () => {
      const encoder = device.gpu.createCommandEncoder();
      kept.list = kept.list.map((feed) => {
        if (ArrayBuffer.isView(feed)) return feed;
        const { size } = feed;
        const buffer = device.createBuffer(size, COPY_SRC | COPY_DST, 'an input that waits');
        copies.push(buffer);
        encoder.copyBufferToBuffer(feed.buffer, feed.offset, buffer, 0, size);
        return { buffer, offset: 0, size };
      });
      device.gpu.queue.submit([encoder.finish()]);
    });
    kept.ready = accepted.catch((error: Error) => void (kept.fault = unreadable(error)));
  } catch (error) {
    free();
    throw error;
  }
  return kept;
}

function asTensorData(name: string, tensor: Tensor, value: TensorData | readonly number[] | number): TensorData {
  const list = typeof value === 'number' ? [value] : value;
  if (list?.length !== tensor.size) {
    const given = list?.length === undefined ? `${typeof value} given` : `${list.length} values given`;
    throw new WgradError('shape', `input ${name}: ${given}, ${show(tensor.shape)} needs ${tensor.size}`);
  }
  const Wanted = tensor.dtype === 'i32' ? Int32Array : Float32Array;
  if (list instanceof Wanted) return list;
  if (tensor.dtype === 'i32' && !Array.prototype.every.call(list, Number.isInteger)) {
    throw new WgradError('dtype', `input ${name} is of whole numbers (i32), not all values given are`);
  }
  return Wanted.from(list as ArrayLike<number>);
}
