/** test/fixtures/ops/elementwise.json: what PyTorch makes of special and ordinary values (scripts/fixtures/elementwise.py). */
import { readFileSync } from 'node:fs';

type Numbers = (number | string)[];

/** y, and the gradient in each operand for a gradient of 1 at y; absent where PyTorch has none. */
export interface Values<N = Float32Array> {
  y: N;
  d?: (N | null)[];
}

export interface Case {
  name: string;
  args?: (number | string)[];
  domain: 'ordinary' | 'positive';
  specialDomain: 'special' | 'angle' | 'pair';
  special: Values<Numbers>;
  ordinary: Values<Numbers>;
}

const read = JSON.parse(readFileSync(new URL('../fixtures/ops/elementwise.json', import.meta.url), 'utf8')) as {
  inputs: Record<Case['domain' | 'specialDomain'], Numbers>;
  unary: Case[];
  binary: Case[];
};

export const floats = (values: Numbers): Float32Array => Float32Array.from(values, Number);
export const { unary, binary } = read;
export const inputs = Object.fromEntries(Object.entries(read.inputs).map(([k, v]) => [k, floats(v)])) as Record<
  keyof typeof read.inputs,
  Float32Array
>;

const isDenormal = (x: number) => x !== 0 && Math.abs(x) < 1.1754943e-38;

/**
 * Where `actual` is not what PyTorch has, as lines of text. An operand that is denormal may be taken for 0, and a
 * result that is denormal may be 0: WGSL allows both. The absolute tolerance shrinks with the operands below 1.
 */
export function misses(
  actual: Float32Array,
  expected: Float32Array,
  operands: readonly Float32Array[],
  [relative, absolute]: readonly [relative: number, absolute: number],
): string[] {
  const smallest = 1.1754944e-38;
  const same = (a: number, e: number, scale: number) =>
    Object.is(a, e) ||
    a === e ||
    (Number.isFinite(e) && Math.abs(a - e) <= relative * Math.abs(e) + absolute * Math.min(1, scale) + smallest);
  // Places that are like place i but for a denormal operand, which is 0 there.
  const alike = (i: number) =>
    [...expected.keys()].filter((j) =>
      operands.every(
        (x) => Object.is(x[j], x[i]) || (isDenormal(x[i]!) && x[j] === 0 && Math.sign(1 / x[j]!) === Math.sign(x[i]!)),
      ),
    );
  return [...expected.keys()].flatMap((i) => {
    const [a, e] = [actual[i]!, expected[i]!];
    const scale = Math.max(...operands.map((x) => (Number.isFinite(x[i]) ? Math.abs(x[i]!) : 0)));
    if (
      same(a, e, scale) ||
      (operands.some((x) => isDenormal(x[i]!)) && alike(i).some((j) => same(a, expected[j]!, scale)))
    )
      return [];
    return [`f(${operands.map((x) => String(x[i])).join(', ')}) is ${a}, not ${e}`];
  });
}
