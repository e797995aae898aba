/** A kernel's description as src/gpu/kernels.gen.ts writes it, which every page loads: as short as can be. */
import type { Access, ConstantType, Kernel } from './kernel.ts';

const accesses: Readonly<Record<string, Access>> = { '': 'read', '*': 'read_write', '~': 'uniform' };

/**
 * @param layout bindings in order, by name: `x y* sizes~:count,c` is read, written too, a uniform of these members.
 * @param code what is specialised, with the constants; the rest is `key` of what `load` brings.
 */
export function described<K extends Kernel>(
  name: string,
  layout: string,
  code: string,
  load: () => Promise<Readonly<Record<string, string>>>,
  key: string,
): K {
  const bindings: Record<string, { binding: number; access: Access }> = {};
  const structs: Record<string, readonly string[]> = {};
  layout.split(' ').forEach((text, binding) => {
    const [, own, mark, members] = /^(\w+)([*~]?):?(.*)$/.exec(text) as unknown as [string, string, string, string];
    bindings[own] = { binding, access: accesses[mark]! };
    if (members) structs[own] = members.split(',');
  });
  const constants: Record<string, ConstantType> = {};
  for (const [, constant, type] of code.matchAll(/^const ([A-Z][A-Z0-9_]*):(u32|i32|f32|bool)=/gm)) {
    constants[constant!] = type as ConstantType;
  }
  const body = async () => (await load())[key]!;
  return { name, entry: 'main', bindings, structs, constants, code, body } satisfies Kernel as unknown as K;
}
