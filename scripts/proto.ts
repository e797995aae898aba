/**
 * Writes src/onnx/proto_read.gen.ts and proto_write.gen.ts: of onnx-proto's generated code the messages and fields that
 * are read or written here, and of each message its decode and encode. The rest (most messages, JSON, verification,
 * reflection) would be nine tenths of what a page downloads. Fields that are left out are skipped by their length, so
 * that no message nests in itself.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { writeIfNew } from './write.ts';

const KEPT: Readonly<Record<string, readonly string[]>> = {
  ModelProto: ['irVersion', 'opsetImport', 'producerName', 'metadataProps', 'graph'],
  OperatorSetIdProto: ['domain', 'version'],
  StringStringEntryProto: ['key', 'value'],
  GraphProto: ['name', 'node', 'initializer', 'sparseInitializer', 'input', 'output'],
  NodeProto: ['name', 'opType', 'domain', 'input', 'output', 'attribute'],
  AttributeProto: ['name', 'type', 'f', 'i', 's', 't', 'floats', 'ints', 'strings'],
  TensorProto: ['name', 'dims', 'dataType', 'rawData', 'floatData', 'doubleData', 'int32Data', 'int64Data', 'uint64Data', 'externalData', 'dataLocation'], // prettier-ignore
  // Only counted, to be refused.
  SparseTensorProto: [],
  ValueInfoProto: ['name', 'type'],
  TypeProto: ['tensorType'],
  'TypeProto.Tensor': ['elemType', 'shape'],
  TensorShapeProto: ['dim'],
  'TensorShapeProto.Dimension': ['dimValue', 'dimParam'],
};

const require = createRequire(import.meta.url);
const source = readFileSync(require.resolve('onnx-proto'), 'utf8');
const types = readFileSync(require.resolve('onnx-proto').replace(/\.js$/, '.d.ts'), 'utf8');
const { version } = require('onnx-proto/package.json') as { version: string };

const flat = (name: string) => name.replace('.', '');
const interfaceName = (name: string) => `I${name.split('.').at(-1)}`;

/** The body of the one function whose head is `head`. */
function body(head: string, indent: string): string {
  const from = source.indexOf(`${indent}${head}`);
  const to = source.indexOf(`\n${indent}};`, from);
  if (from < 0 || to < 0) throw new Error(`onnx-proto has no ${head}`);
  return source.slice(source.indexOf('\n', from) + 1, to + 1);
}

const rename = (code: string) =>
  code
    .replace(
      /\$root\.onnx\.([A-Za-z.]+)\.(encode|decode)\(/g,
      (_, name: string, what: string) => `${what}${flat(name)}(`,
    )
    .replace(/ && Object\.hasOwnProperty\.call\(message, "\w+"\)/g, '')
    .replace(/\/\*.*?\*\//g, '')
    .replace(/\bvar\b/g, 'let');

function found(message: string, parts: Map<string, string>): string {
  return KEPT[message]!.map((field) => {
    const part = parts.get(field);
    if (!part) throw new Error(`onnx-proto's ${message} has no field ${field}`);
    return part;
  }).join('');
}

/** `if (message.f != null ...) ...` for each field. */
function encoder(message: string, head: string, indent: string): string {
  const parts = body(`${head}.encode = function encode(message, writer) {`, indent)
    .split(/(?=\n\s*if \(message\.)/)
    .map((part) => part.replace(/\n\s*return writer;\s*$/, ''));
  return rename(found(message, new Map(parts.map((part) => [/message\.(\w+)/.exec(part)?.[1] ?? '', part]))));
}

/** `case 1: message.f = ...; break;` for each field. */
function decoder(message: string, head: string, indent: string): string {
  const cases = body(`${head}.decode = function decode(reader, length) {`, indent).matchAll(/\n\s*case \d+:[\s\S]*?\n\s*break;/g); // prettier-ignore
  return rename(found(message, new Map([...cases].map(([part]) => [/message\.(\w+)/.exec(part)![1]!, part]))));
}

/** The fields' types: 64-bit integers are numbers here, see proto.ts. */
function fieldTypes(message: string): string {
  const from = types.search(new RegExp(`interface ${interfaceName(message)} \\{`));
  const block = types.slice(from, types.indexOf('\n    }', from));
  return KEPT[message]!.map((field) => {
    const type = new RegExp(`\\n\\s*${field}\\?: \\((.*)\\);`).exec(block)?.[1];
    if (!type) throw new Error(`onnx-proto's types have no ${message}.${field}`);
    const own = type
      .replace(/number\|Long/g, 'number')
      .replace(/onnx\.(?:\w+\.)*(I\w+)/g, '$1')
      .replace(/onnx\.[\w.]+/g, 'number');
    return `  ${field}?: ${own};\n`;
  }).join('');
}

const place = (message: string) => ({
  head: message.split('.').at(-1)!,
  indent: message.includes('.') ? '            ' : '        ',
  name: interfaceName(message),
});

function reading(message: string): string {
  const { head, indent, name } = place(message);
  return `export interface ${name} {
${fieldTypes(message)}}
export function decode${flat(message)}(reader: any, length?: number): ${name} {
  const end = length === undefined ? reader.len : reader.pos + length;
  const message: any = {};
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {${decoder(message, head, indent)}
      default:
        reader.skipType(tag & 7);
    }
  }
  return message;
}
`;
}

function writing(message: string): string {
  const { head, indent, name } = place(message);
  return `export function encode${flat(message)}(${KEPT[message]!.length ? 'message' : '_'}: ${name === 'IModelProto' ? name : 'any'}, writer: any) {${encoder(message, head, indent)}
  return writer;
}
`;
}

const banner = `// Written by scripts/proto.ts from onnx-proto ${version}; not to be edited.\n`;
const messages = Object.keys(KEPT);
const target = (name: string) => new URL(`../src/onnx/${name}.gen.ts`, import.meta.url);
writeIfNew(target('proto_read'), banner + messages.map(reading).join(''));
writeIfNew(
  target('proto_write'),
  `${banner}import type { IModelProto } from './proto_read.gen.ts';\n${messages.map(writing).join('')}`,
);
