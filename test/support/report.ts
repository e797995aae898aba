/** A table of errors against reference values: one row an entry, printed at the end of the file's tests. */
import { afterAll, expect } from 'vitest';
import { existsSync, readFileSync } from 'node:fs';
import { compare, type Difference } from '../tolerance.ts';
import { dataFolder } from './data.ts';

/** Relative L2 of the same computation by PyTorch in float32, by model and quantity, where the reference data has it. */
const yardsticks = `${dataFolder}/golden2/yardsticks.json`;
const torch = existsSync(yardsticks)
  ? (JSON.parse(readFileSync(yardsticks, 'utf8')) as { values: Record<string, Record<string, number>> }).values
  : {};

/** @param entry as the tests name it: 'mini.epsilon', 'shapes.layer3.gradcam.raw', 'mini blur_ig'. */
function torchError(entry: string): number | undefined {
  const [, model = '', what = ''] = /^(\w+)[. ](.*?)(\.raw)?$/.exec(entry) ?? [];
  const found = Object.entries(torch[model] ?? {}).find(([key]) => key === what || key === `lrp.${what}` || key.startsWith(`${what} (`)); // prettier-ignore
  return found?.[1];
}

interface Row extends Difference {
  entry: string;
  limit: string;
  ok: boolean;
}

export type Limit = Partial<Record<'maxAbs' | 'maxRel' | 'relL2', number>> & { cosine?: number };

/** Every call of the returned function adds a row and fails the test on a miss. */
export function report(title: string) {
  const rows: Row[] = [];
  afterAll(() => {
    const width = Math.max(10, ...rows.map((r) => r.entry.length));
    const line = (entry: string, ...cells: string[]) =>
      `${entry.padEnd(width)} ${cells.map((c) => c.padStart(10)).join(' ')}`;
    const number = (n: number) => n.toExponential(2);
    console.log(
      [
        `\n${title}`,
        line('entry', 'max abs', 'max rel', 'rel L2', 'torch f32', '1-cosine', 'ok'),
        ...rows.map((r) =>
          line(
            r.entry,
            number(r.maxAbs),
            number(r.maxRel),
            number(r.relL2),
            torchError(r.entry) === undefined ? '-' : number(torchError(r.entry)!),
            number(1 - r.cosine),
            r.ok ? 'yes' : `NO ${r.limit}`,
          ),
        ),
      ].join('\n'),
    );
  });
  return (entry: string, actual: ArrayLike<number>, expected: ArrayLike<number>, limit: Limit): void => {
    const d = compare(actual, expected);
    const ok =
      d.maxAbs <= (limit.maxAbs ?? Infinity) &&
      d.maxRel <= (limit.maxRel ?? Infinity) &&
      d.relL2 <= (limit.relL2 ?? Infinity) &&
      d.cosine >= (limit.cosine ?? -1);
    rows.push({ entry, ...d, limit: JSON.stringify(limit), ok });
    expect.soft(ok, `${entry}: ${JSON.stringify(d)} misses ${JSON.stringify(limit)}`).toBe(true);
  };
}
