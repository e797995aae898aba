/**
 * WGSL at build time. A kernel's source is a valid module once its includes are in place; what a software adapter needs
 * flat is written out here, so that nobody writes it by hand:
 *
 *   // @include parts/NAME.wgsl      the file's text; each file once
 *   // @variants LANES ROWS: 4x8 8x16   one module for each row of values of these constants
 *   // @unroll                       the `for (var i = 0u; i < BOUND; i++)` below, BOUND a constant, once for each i
 *
 * After unrolling, an array that is only indexed by numbers becomes single variables (SwiftShader keeps arrays in
 * memory), and an exchange of neighbouring lanes becomes a swap within four, one instruction there.
 */
import { readFileSync } from 'node:fs';

/** The text of `file` in `folder` with its includes in place. */
export function readModule(folder: URL, file: string, seen = new Set<string>()): string {
  if (seen.has(file)) return '';
  seen.add(file);
  return readFileSync(new URL(file, folder), 'utf8').replace(/^\/\/ @include (\S+)$/gm, (_, name: string) =>
    readModule(folder, name, seen),
  );
}

export type Values = Readonly<Record<string, number>>;

/** Rows of the `@variants` line by their name ('8x16'); without one, one row without a name. */
export function variantsOf(code: string): ReadonlyMap<string, Values> {
  const line = /^\/\/ @variants ([A-Z_ ]+): (.+)$/m.exec(code);
  if (!line) return new Map([['', {}]]);
  const names = line[1]!.split(' ');
  return new Map(
    line[2]!.split(' ').map((row) => {
      const numbers = row.split('x').map(Number);
      return [row, Object.fromEntries(names.map((name, i) => [name, numbers[i]!]))];
    }),
  );
}

/** The module with `values` in place of constants, its marked loops written out, and its arrays as variables. */
export function flatten(code: string, values: Values): string {
  let text = code;
  for (const [name, value] of Object.entries(values)) {
    text = text.replace(new RegExp(`^const ${name}: u32 = \\d+u;`, 'm'), `const ${name}: u32 = ${value}u;`);
  }
  const constants = new Map<string, number>();
  for (const [, name, expression] of text.matchAll(/^const ([A-Z]\w*): u32 = ([^;]+);/gm)) {
    const value = evaluate(expression!, constants);
    if (value !== undefined) constants.set(name!, value);
  }
  const unrolled = unroll(text, constants).replace(/\/\/.*$/gm, '');
  return shuffleToSwap(splitArrays(unrolled, constants), constants);
}

/** A u32 expression of numbers, constants, + - * / % ( ) and min, max; undefined where it is anything else. */
function evaluate(expression: string, constants: ReadonlyMap<string, number>): number | undefined {
  const known = expression.replace(/\b[A-Z]\w*\b/g, (name) => String(constants.get(name) ?? name));
  const plain = known.replace(/\b(\d+)[ui]\b/g, '$1');
  if (!/^(?:[\d\s+\-*/%(),]|\bmin\b|\bmax\b)+$/.test(plain)) return undefined;
  // Integer division, from left to right like the rest: operands of / are always whole here or rounded down.
  const floored = plain.replace(/(\d+|\([^()]*\)) *\/ *(\d+)/g, 'Math.floor($1/$2)');
  return Function(`return ${floored.replace(/\b(min|max)\b/g, 'Math.$1')}`)() as number;
}

const marked = /\/\/ @unroll\s*\n\s*for \(var (\w+) = (\w+); \1 < ([^;]+); \1\+\+\) \{/;

function unroll(code: string, constants: ReadonlyMap<string, number>): string {
  const found = marked.exec(code);
  if (!found) return code;
  const [head, name, from, bound] = found as unknown as [string, string, string, string];
  const [first, last] = [evaluate(from, constants), evaluate(bound, constants)];
  if (first === undefined || last === undefined) throw new Error(`cannot unroll ${head}`);
  const open = found.index + head.length - 1;
  const close = endOfBlock(code, open + 1) - 1;
  const body = code.slice(open + 1, close);
  const copies: string[] = [];
  for (let i = first; i < last; i++) {
    // `let`s of the body would meet in one scope.
    const copy = body.replace(new RegExp(`\\b${name}\\b`, 'g'), `${i}u`);
    copies.push(/^\s*(?:let|var)\b/m.test(copy) ? `{${copy}}` : copy);
  }
  return unroll(code.slice(0, found.index) + copies.join('') + code.slice(close + 1), constants);
}

function splitArrays(code: string, constants: ReadonlyMap<string, number>): string {
  let text = code;
  for (const [declaration, name, type, length] of code.matchAll(/var (\w+): array<(\w+), ([^>]+)>;/g)) {
    const size = evaluate(length!, constants);
    const from = text.indexOf(declaration);
    const to = endOfBlock(text, from);
    const scope = text.slice(from + declaration.length, to);
    const use = new RegExp(`(?<![.\\w])${name}\\b(?:\\[([^\\]]*)\\])?`, 'g');
    const indices = [...scope.matchAll(use)].map(([, index]) => index && evaluate(index, constants));
    if (size === undefined || indices.some((index) => typeof index !== 'number')) continue;
    const single = Array.from({ length: size }, (_, i) => `var ${name}_${i}: ${type};`).join(' ');
    const split = scope.replace(use, (_, index: string) => `${name}_${evaluate(index, constants)}`);
    text = text.slice(0, from) + single + split + text.slice(to);
  }
  return text;
}

/** Where the block that `from` lies in ends. */
function endOfBlock(code: string, from: number): number {
  let depth = 1;
  let i = from;
  for (; depth > 0; i++) depth += code[i] === '{' ? 1 : code[i] === '}' ? -1 : 0;
  return i;
}

/** The exchange of lanes whose numbers differ by 1, 2 and 3 in exclusive or. */
const SWAPS = ['', 'quadSwapX', 'quadSwapY', 'quadSwapDiagonal'];

const shuffleToSwap = (code: string, constants: ReadonlyMap<string, number>) =>
  code.replace(/subgroupShuffleXor\(([^(),]+), ([^(),]+)\)/g, (call, value: string, lane: string) => {
    const number = evaluate(lane, constants);
    if (number === 0) return value;
    return number === undefined ? call : SWAPS[number] ? `${SWAPS[number]}(${value})` : call;
  });
