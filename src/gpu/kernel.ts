/**
 * Kernels: WGSL files of kernels/, described at build time by wgsl_reflect (scripts/kernels.ts writes
 * src/gpu/kernels.gen.ts), specialised here by replacing the values of their `const` declarations.
 */
export type ConstantType = 'u32' | 'i32' | 'f32' | 'bool';

/**
 * Sizes and parameters are `uniform`: lavapipe reads those once for all lanes, and storage once for each (pooling took
 * about 1.5 to 2 times the CPU time with sizes in storage). They must not exceed 64 KB.
 */
export type Access = 'read' | 'read_write' | 'uniform';

/** What the build knows of one WGSL file. */
export interface Kernel {
  readonly name: string;
  /** The module, or of kernels that are loaded on first use the lines that are specialised. */
  readonly code: string;
  /** The rest of a module that is loaded on first use. */
  readonly body?: () => Promise<string>;
  /** Storage bindings by name, in @binding order. */
  readonly bindings: Readonly<Record<string, { readonly binding: number; readonly access: Access }>>;
  /** Bindings that are one struct of i32 and u32 members: their names, in order. */
  readonly structs: Readonly<Record<string, readonly string[]>>;
  /** Specialisable `const NAME: type = default;` lines. */
  readonly constants: Readonly<Record<string, ConstantType>>;
  readonly entry: string;
}

export type Constants<K extends Kernel> = {
  readonly [N in keyof K['constants']]?: K['constants'][N] extends 'bool' ? boolean : number;
};

function literal(value: number | boolean, type: ConstantType): string {
  if (type === 'bool') return value ? 'true' : 'false';
  if (type === 'u32') return `${value}u`;
  if (type === 'i32') return `${value}i`;
  const n = value as number;
  // WGSL has no literal for infinities; the largest finite f32 stands for them in clamps and maxima.
  const finite = Math.min(Math.max(n, -3.4028234663852886e38), 3.4028234663852886e38);
  const text = String(Math.fround(finite));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/**
 * The kernel's WGSL with `constants` in place of the defaults.
 *
 * A kernel with `const WIDTH: u32 = 1u;` names its element types by aliases (`alias F = f32;`): with WIDTH 4 they become
 * vectors of four, so that one source serves any count of channels, and counts of whole groups twice as fast.
 * A kernel with `const HALF: bool = false;` reads one factor through `wide`: with HALF it is stored as half floats.
 * A kernel with `const STEPS: u32 = 0u;` takes its results through `epilogue`, which calls the steps of that list.
 */
export function specialize<K extends Kernel>(kernel: K, constants: Constants<K>): string {
  let code: string = kernel.code;
  for (const [name, value] of Object.entries(constants) as [string, number | boolean | undefined][]) {
    if (value === undefined) continue;
    const type = kernel.constants[name];
    if (!type) throw new Error(`kernel ${kernel.name} has no constant ${name}`);
    code = code.replace(
      new RegExp(`const ${name}\\s*:\\s*${type}\\s*=[^;]*;`),
      () => `const ${name}:${type}=${literal(value, type)};`,
    );
  }
  const { WIDTH, HALF, STEPS = 0 } = constants as { WIDTH?: number; HALF?: boolean; STEPS?: number };
  if (STEPS) code = code.replace(/(fn epilogue.*return )v;/, `$1${stepsOf(STEPS)};`);
  if (HALF) {
    code = code
      .replace(/alias B\s*=\s*vec4f;/, 'alias B=vec2u;')
      .replace(/(fn wide.*)return v;/, '$1return vec4f(unpack2x16float(v.x),unpack2x16float(v.y));');
  }
  return WIDTH === 4 ? code.replace(/alias (\w+)\s*=\s*(f32|i32|u32|bool);/g, 'alias $1=vec4<$2>;') : code;
}

/** Functions of kernels/parts/epilogue.wgsl, by the digits of STEPS from 1. */
const stepFunctions = ['scaled', 'shifted', 'added', 'rectified', 'masked', 'masked_by_bits'];

/** The calls that a list of steps comes to, from its hexadecimal digits, the first step lowest. */
function stepsOf(list: number): string {
  let value = 'v';
  for (let rest = list; rest > 0; rest >>>= 4) value = `${stepFunctions[(rest & 15) - 1]}(${value},at,factor,summand)`;
  return value;
}

/** The words of the struct bound to `binding`, from values by member name. */
export function packStruct<K extends Kernel, B extends keyof K['structs']>(
  kernel: K,
  binding: B,
  values: Readonly<Record<K['structs'][B][number], number>>,
): Int32Array {
  const names = kernel.structs[binding as string]! as readonly K['structs'][B][number][];
  return Int32Array.from(names, (name) => values[name]);
}
