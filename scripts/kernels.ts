/**
 * Reads kernels/*.wgsl with wgsl_reflect and writes src/gpu/kernels.gen.ts: one typed description a kernel, so that a
 * host call with a missing or misnamed buffer or constant does not type-check. A kernel with variants (see wgsl.ts)
 * becomes one description for each, by name. Run by `npm run build`.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { flatten, readModule, variantsOf } from './wgsl.ts';
import { writeIfNew } from './write.ts';

/**
 * Kernels whose bodies are loaded when a program first needs one, from src/gpu/NAME.gen.ts: what inference does not
 * run, and the families of which an adapter uses one.
 */
const DEFERRED: Readonly<Record<string, RegExp>> = {
  bodies:
    /_grad|_sums|_stats|^(adam|bound|ema|from_bytes|grid_mask|guard|half_unpack|one_hot|random_normal|rmsprop|scatter_add|secant|sgd|shift|warp)$/,
  // Of inference, what a plain ResNet does not run.
  bodies_forward: /^(along_axis|arg_reduce|avg_pool|binary|conv_grouped_forward|gather|positive_bits|unary|where)$/,
  bodies_subgroup: /^gemm_(subgroup|narrow)/,
  bodies_tile: /^gemm_tile/,
  bodies_workgroup: /^gemm_workgroup/,
  // The rest: what every engine runs, and loads as it is created.
  bodies_plain: /./,
};

/** What specialisation changes stays with the description, and with it what a module must begin with. */
const HEAD = /^(const [A-Z]|alias |fn (wide|epilogue)\b|enable |requires |diagnostic)/;

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

/** How a description writes what a kernel may do with a binding. */
const ACCESS = { read: '', read_write: '*', uniform: '~' } as const;

const banner = '// Written by scripts/kernels.ts from kernels/*.wgsl; not to be edited.';
const bodies = new Map(Object.keys(DEFERRED).map((file) => [file, [banner]]));

/** Of a description: its code, whole or without the body, and where that is loaded from. */
function source(name: string, title: string, code: string): string {
  const file = Object.keys(DEFERRED).find((candidate) => DEFERRED[candidate]!.test(name))!;
  const lines = code.split('\n').filter(Boolean);
  // Named, since two kernels may have the same constants.
  const head = [`//${title}`, ...lines.filter((line) => HEAD.test(line))].join('\n');
  const body = lines.filter((line) => !HEAD.test(line)).join('\n');
  const key = title.replace(/\W/g, '_');
  // Declarations would hold the code once more.
  bodies.get(file)!.push(`export const ${key}: string = ${JSON.stringify(body)};`);
  return `${JSON.stringify(head)}, ${file}, '${key}'`;
}

/** What tuning was measured with: other code, other winners. */
const gemmSource = createHash('sha256');

const parts = [
  banner,
  "import { described } from './described.ts';",
  ...Object.keys(DEFERRED).map((file) => `const ${file} = () => import('./${file}.gen.ts');`),
];
for (const file of readdirSync(folder).sort()) {
  if (!file.endsWith('.wgsl')) continue;
  const code = readModule(folder, file);
  const name = file.slice(0, -'.wgsl'.length);
  if (name.startsWith('gemm_')) gemmSource.update(minify(code));
  let reflected: any;
  try {
    reflected = new WgslReflect(code);
  } catch (error) {
    throw new Error(`${file}: wgsl_reflect cannot read it: ${(error as Error).message ?? String(error)}`);
  }
  const entries = reflected.entry.compute;
  if (entries.length !== 1) throw new Error(`${file}: expected one @compute entry, found ${entries.length}`);
  const uniforms = reflected.uniforms.map((b: any) => Object.assign(b, { access: 'uniform' }));
  const bindings = [...reflected.storage, ...uniforms].sort((a: any, b: any) => a.binding - b.binding);
  const members = (b: any) => b.type.members ?? b.type.format?.members;
  const structs = bindings.filter(members);
  const constants = [...code.matchAll(/^const ([A-Z][A-Z0-9_]*)\s*:\s*(u32|i32|f32|bool)\s*=[^;]*;/gm)];
  const camel = name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase());
  if (bindings.some((b: any, at) => b.binding !== at))
    throw new Error(`${file}: bindings must count from 0 without gaps`);
  if (entries[0].name !== 'main') throw new Error(`${file}: the entry must be called main`);
  const namesOf = (b: any): string[] => members(b).map((m: any) => m.name);
  const access = (b: any): keyof typeof ACCESS => b.access || 'read';
  const type =
    `{ name: string; entry: 'main'; bindings: {` +
    bindings.map((b: any) => ` ${b.name}: { binding: ${b.binding}; access: '${access(b)}' }`).join(';') +
    ` }; structs: {` +
    structs.map((b: any) => ` ${b.name}: ['${namesOf(b).join("', '")}']`).join(';') +
    ` }; constants: {` +
    constants.map((m) => ` ${m[1]}: '${m[2]}'`).join(';') +
    ` }; code: string; body: () => Promise<string> }`;
  const layout = bindings
    .map((b: any) => `${b.name}${ACCESS[access(b)]}${members(b) ? `:${namesOf(b).join()}` : ''}`)
    .join(' ');
  const typeName = `${camel[0]!.toUpperCase()}${camel.slice(1)}`;
  parts.push(`type ${typeName} = ${type};`);
  const describe = (title: string, text: string) =>
    `/*#__PURE__*/ described<${typeName}>('${title}', '${layout}', ${source(name, title, minify(text))})`;
  const variants = [...variantsOf(code)].map(([variant, values]): [string, string] => [variant, flatten(code, values)]);
  const text =
    variants[0]![0] === ''
      ? describe(name, variants[0]![1])
      : `{\n${variants.map(([variant, flat]) => `'${variant}': ${describe(`${name} ${variant}`, flat)},\n`).join('')}}`;
  parts.push(`export const ${camel} = ${text};`);
}
parts.push(`export const gemmSource = '${gemmSource.digest('hex').slice(0, 16)}';`);
writeIfNew(new URL('src/gpu/kernels.gen.ts', root), parts.join('\n') + '\n');
for (const [file, lines] of bodies) writeIfNew(new URL(`src/gpu/${file}.gen.ts`, root), lines.join('\n') + '\n');
