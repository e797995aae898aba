/**
 * Reads kernels/*.wgsl with wgsl_reflect and writes src/gpu/kernels.gen.ts: one typed description a kernel, so that a
 * host call with a missing or misnamed buffer or constant does not type-check. A kernel with variants (see wgsl.ts)
 * becomes one description for each, by name. Run by `npm run build`.
 */
import { mkdirSync, readdirSync, writeFileSync, renameSync } from 'node:fs';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { flatten, readModule, variantsOf } from './wgsl.ts';

const root = new URL('..', import.meta.url);
const folder = new URL('kernels/', root);

/** Drops comments and needless white space; lines stay where they are, so that a compiler's message finds its place. */
const minify = (code: string) =>
  code
    .replace(/\/\/.*$/gm, '')
    .split('\n')
    .map((line) => line.trim().replace(/ ?([{}()[\];,:=+*/<>&|!%]) ?/g, '$1'))
    .join('\n')
    .trim();

const parts = [
  '// Written by scripts/kernels.ts from kernels/*.wgsl; not to be edited.',
  "import type { Kernel } from './kernel.ts';",
];
for (const file of readdirSync(folder).sort()) {
  if (!file.endsWith('.wgsl')) continue;
  const code = readModule(folder, file);
  const name = file.slice(0, -'.wgsl'.length);
  let reflected: any;
  try {
    reflected = new WgslReflect(code);
  } catch (error) {
    throw new Error(`${file}: wgsl_reflect cannot read it: ${(error as Error).message ?? String(error)}`);
  }
  const entries = reflected.entry.compute;
  if (entries.length !== 1) throw new Error(`${file}: expected one @compute entry, found ${entries.length}`);
  const bindings = [...reflected.storage].sort((a: any, b: any) => a.binding - b.binding);
  const members = (b: any) => b.type.members ?? b.type.format?.members;
  const structs = bindings.filter(members);
  const constants = [...code.matchAll(/^const ([A-Z][A-Z0-9_]*)\s*:\s*(u32|i32|f32|bool)\s*=[^;]*;/gm)];
  const camel = name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase());
  const describe = (title: string, text: string) =>
    `{\n  name: '${title}',\n  entry: '${entries[0].name}',\n  bindings: {` +
    bindings.map((b: any) => ` ${b.name}: { binding: ${b.binding}, access: '${b.access || 'read'}' }`).join(',') +
    ` },\n  structs: {` +
    structs
      .map(
        (b: any) =>
          ` ${b.name}: [${members(b)
            .map((m: any) => `'${m.name}'`)
            .join(', ')}]`,
      )
      .join(',') +
    ` },\n  constants: {` +
    constants.map((m) => ` ${m[1]}: '${m[2]}'`).join(',') +
    ` },\n  code: ${JSON.stringify(minify(text))},\n} as const satisfies Kernel`;
  const variants = [...variantsOf(code)].map(([variant, values]): [string, string] => [variant, flatten(code, values)]);
  const text =
    variants[0]![0] === ''
      ? describe(name, variants[0]![1])
      : `{\n${variants.map(([variant, flat]) => `'${variant}': ${describe(`${name} ${variant}`, flat)},\n`).join('')}}`;
  parts.push(`export const ${camel} = ${text};`);
}
mkdirSync(new URL('src/gpu/', root), { recursive: true });
const target = new URL('src/gpu/kernels.gen.ts', root);
const fresh = new URL(`src/gpu/kernels.${process.pid}.tmp`, root);
writeFileSync(fresh, parts.join('\n') + '\n');
renameSync(fresh, target);
