/** The programs of a model's runs, one for each shape of its pictures, kept for the last few of these. */
import type { Engine } from '../engine.ts';
import type { WgradError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { Lru } from '../lru.ts';
import type { Program } from '../plan/program.ts';

const KEPT = 4;

export class Programs {
  private readonly kept = new Lru<string, Program>(KEPT, (program) => program.dispose());

  constructor(
    private readonly engine: Engine,
    /** What a run of pictures [N,C,H,W] of that shape gives. */
    private readonly outputs: (shape: readonly number[]) => Readonly<Record<string, Tensor>>,
  ) {}

  for(shape: readonly number[]): Program {
    const key = shape.join('x');
    const known = this.kept.get(key);
    if (known) return known;
    const program = this.engine.prepare({ outputs: this.outputs(shape) });
    this.kept.set(key, program);
    program.compiled.catch((error: WgradError) => {
      if (this.kept.get(key) === program) this.kept.delete(key);
      // The other shapes' programs make room for another try.
      if (error.code === 'out-of-memory') this.clear();
    });
    return program;
  }

  clear(): void {
    this.kept.clear();
  }
}
