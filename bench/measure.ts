/** Interleaved timing: every contender once a round, so that a noisy machine disturbs all alike. */
export interface Contender {
  name: string;
  /** Runs once and waits for the result. */
  run(): Promise<unknown>;
}

/** Milliseconds of each round, by contender; one warm-up first. */
export async function interleaved(contenders: readonly Contender[], rounds: number): Promise<Record<string, number[]>> {
  const samples: Record<string, number[]> = Object.fromEntries(contenders.map((c) => [c.name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const c of contenders) {
      const started = performance.now();
      await c.run();
      if (round >= 0) samples[c.name]!.push(performance.now() - started);
    }
  }
  return samples;
}
