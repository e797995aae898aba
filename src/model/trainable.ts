/** Which parameters of a network training changes, and what its BatchNorm layers normalise by. */
import { WgradError } from '../errors.ts';
import type { Variable } from '../graph/leaves.ts';
import { matcher } from './globs.ts';
import type { Network, NetworkParameter } from './network.ts';

/**
 * eval: running statistics, never updated (the default: right for small fine-tuning sets). train: the statistics of
 * the batch, running ones updated. auto: train where a layer's affine parameters are trainable, eval elsewhere.
 */
export type BatchNormMode = 'eval' | 'train' | 'auto';

export class Trainable {
  private readonly unfrozen = new Set<string>();
  private readonly batchNormRules: { matches: (name: string) => boolean; mode: BatchNormMode }[] = [];

  /** Everything is trainable at first but what is stored in half precision. */
  constructor(private readonly network: Network) {
    for (const p of network.parameters.values()) if (p.trainable && !p.variable.half) this.unfrozen.add(p.name);
  }

  freeze(patterns: readonly string[]): void {
    for (const { name } of this.select(patterns)) this.unfrozen.delete(name);
  }

  /** @returns those that are stored in half precision, which no training can change. */
  unfreeze(patterns: readonly string[]): NetworkParameter[] {
    const chosen = this.select(patterns).filter((p) => p.trainable);
    for (const { name } of chosen) this.unfrozen.add(name);
    return chosen.filter((p) => p.variable.half);
  }

  /** Parameters by name or by layer path; all without a pattern. @throws WgradError 'unknown-name'. */
  private select(patterns: readonly string[]): readonly NetworkParameter[] {
    const all = [...this.network.parameters.values()];
    if (patterns.length === 0) return all;
    const found = new Set<NetworkParameter>();
    for (const pattern of patterns) {
      const matches = matcher([pattern]);
      const hits = all.filter((p) => matches(p.name) || matches(p.layer));
      if (hits.length === 0) {
        throw new WgradError('unknown-name', `no parameter or layer matches '${pattern}'`, {
          remedy: 'See `wgrad info MODEL` for their names',
        });
      }
      for (const p of hits) found.add(p);
    }
    return [...found];
  }

  /** In the order of the file. */
  variables(): Variable[] {
    return [...this.network.parameters.values()].filter((p) => this.unfrozen.has(p.name)).map((p) => p.variable);
  }

  /** After the head was replaced: what is fresh is trainable, what is gone is nothing. */
  headReplaced(before: ReadonlyMap<string, Variable>): void {
    const { parameters } = this.network;
    for (const name of before.keys()) if (!parameters.has(name)) this.unfrozen.delete(name);
    for (const p of parameters.values())
      if (p.trainable && before.get(p.name) !== p.variable) this.unfrozen.add(p.name);
  }

  /** Of the layers that match, of all without a pattern. The last setting wins. */
  batchNorm(mode: BatchNormMode, patterns: readonly string[]): void {
    this.batchNormRules.push({ matches: patterns.length ? matcher(patterns) : () => true, mode });
  }

  /** Whether the BatchNorm of that layer, with these parameters, normalises by the batch. */
  usesBatch(layer: string, parameters: readonly string[]): boolean {
    const rule = this.batchNormRules.findLast((r) => r.matches(layer) || parameters.some((p) => r.matches(p)));
    if (rule?.mode === 'auto') return parameters.some((p) => this.unfrozen.has(p));
    return rule?.mode === 'train';
  }
}
