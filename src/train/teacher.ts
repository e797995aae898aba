/**
 * The model as it was before training, for distillation: what training changes is kept aside, what it does not is shared.
 * Its logits depend on nothing that moves, so that with the frozen part kept they are computed once for each picture.
 */
import { substituteAll } from '../graph/substitute.ts';
import { Variable } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Model } from '../model/model.ts';

export class Teacher {
  private readonly kept = new Map<Variable, Variable>();

  constructor(private readonly model: Model) {}

  /** Keeps variables as they are now, each once. */
  async keep(changing: Iterable<Variable>): Promise<void> {
    const { engine } = this.model;
    for (const v of changing) {
      if (!this.kept.has(v))
        this.kept.set(v, new Variable(`${v.name}.teacher`, v.shape, await engine.read(v), v.layout));
    }
  }

  /** Its logits of pictures, with the statistics of evaluation. */
  logits(pictures: Tensor): Tensor {
    const { logits } = this.model.graph({ input: pictures });
    const own = new Map([...this.kept].map(([v, before]) => [v.tensor, before.tensor]));
    return substituteAll([logits], own)[0]!;
  }

  dispose(): void {
    this.model.engine.release([...this.kept.values()]);
    this.kept.clear();
  }
}
