/**
 * Reads kernels/*.wgsl with wgsl_reflect and writes src/gpu/kernels.gen.ts: one typed description a kernel, so that a
 * host call with a missing or misnamed buffer or constant does not type-check. Run by `npm run build`.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync, renameSync } from 'node:fs';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';

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
  const code = readFileSync(new URL(file, folder), 'utf8');
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
  const structs = bindings.filter((b: any) => b.type.members);
  const constants = [...code.matchAll(/^const ([A-Z][A-Z0-9_]*)\s*:\s*(u32|i32|f32|bool)\s*=[^;]*;/gm)];
  const camel = name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase());
  parts.push(
    `export const ${camel} = {\n  name: '${name}',\n  entry: '${entries[0].name}',\n  bindings: {` +
      bindings.map((b: any) => ` ${b.name}: { binding: ${b.binding}, access: '${b.access || 'read'}' }`).join(',') +
      ` },\n  structs: {` +
      structs.map((b: any) => ` ${b.name}: [${b.type.members.map((m: any) => `'${m.name}'`).join(', ')}]`).join(',') +
      ` },\n  constants: {` +
      constants.map((m) => ` ${m[1]}: '${m[2]}'`).join(',') +
      ` },\n  code: ${JSON.stringify(minify(code))},\n} as const satisfies Kernel;`,
  );
}
mkdirSync(new URL('src/gpu/', root), { recursive: true });
const target = new URL('src/gpu/kernels.gen.ts', root);
const fresh = new URL(`src/gpu/kernels.${process.pid}.tmp`, root);
writeFileSync(fresh, parts.join('\n') + '\n');
renameSync(fresh, target);
