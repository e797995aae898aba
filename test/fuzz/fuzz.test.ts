/** Some of `npm run fuzz`: as many damaged files as fit into a few seconds, from where the seed says. */
import { expect, it } from 'vitest';
import { HANG_SECONDS } from '../support/cost.ts';
import { KINDS, LIMITS, makeCase, runCase, type Kind } from './cases.ts';
import { corpus } from './corpus.ts';

const SECONDS: Readonly<Record<Kind, number>> = { model: 4, safetensors: 1, picture: 2 };
const ENOUGH: Readonly<Record<Kind, number>> = { model: 40, safetensors: 100, picture: 20 };

it.each(KINDS)('damaged %s files end in coded errors, without a hang and in little memory', async (kind) => {
  const seeds = await corpus(kind);
  const end = performance.now() + 1000 * SECONDS[kind];
  const results = new Map<string, number>();
  const faults: string[] = [];
  let index = 0;
  for (; performance.now() < end || index < ENOUGH[kind]; index++) {
    const file = makeCase(kind, 'test', index, seeds);
    const { result, fault } = await runCase(kind, file.bytes, { ...LIMITS, seconds: HANG_SECONDS });
    results.set(result, (results.get(result) ?? 0) + 1);
    if (fault) faults.push(`npm run fuzz -- --only ${kind}:${index} --seed test (${file.name}): ${fault}`);
  }
  expect(faults).toEqual([]);
  // Mutations that nothing survives, or that change nothing, would test nothing.
  expect(results.size, JSON.stringify([...results])).toBeGreaterThan(1);
});
