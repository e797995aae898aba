import { expect, it } from 'vitest';
import { fileVersion } from '../../src/tensorboard/messages.ts';
import { crc32c, maskedCrc32c, record } from '../../src/tensorboard/record.ts';
import { double, message, text } from '../../src/tensorboard/wire.ts';
import { readEvents } from '../support/event_file.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const ascii = (s: string) => new TextEncoder().encode(s);

it('has the CRC-32C of RFC 3720 and its masked form', () => {
  expect(crc32c(ascii('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(maskedCrc32c(ascii('123456789'))).toBe(3347755237);
  expect(maskedCrc32c(new Uint8Array())).toBe(2726488792);
});

it('frames an event as tensorflow does, byte for byte', () => {
  const version = message(double(1, 1_700_000_000), text(3, 'brain.Event:2'));
  expect(hex(record(version))).toBe('1800000000000000a37f4b220900000040fc54d9411a0d627261696e2e4576656e743a32eced8f9d');
});

it('opens a file with its version and its writer', () => {
  const [event] = readEvents(record(fileVersion(12.5)));
  expect(event).toEqual({ wall_time: 12.5, file_version: 'brain.Event:2', source_metadata: { writer: 'wgrad' } });
});
