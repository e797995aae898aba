/** The two files of protobufjs that are used; its own types describe the whole package. */
declare module 'protobufjs/src/reader.js' {
  import { Reader } from 'protobufjs/minimal.js';
  const Lean: typeof Reader & { _configure(buffers: { _configure(): void }): void };
  export default Lean;
}
declare module 'protobufjs/src/writer.js' {
  import { Writer } from 'protobufjs/minimal.js';
  export default Writer;
}
