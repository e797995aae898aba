/**
 * The exponential moving average of the trained parameters (Polyak averaging), as torch.optim.swa_utils' AveragedModel
 * with get_ema_multi_avg_fn has it: after the first step it is the parameters, after each other decay times itself and
 * 1 - decay times these. Running statistics are not averaged.
 */
import type { Engine } from '../engine.ts';
import { input, Variable } from '../graph/leaves.ts';
import { assign, blend } from '../ops/effects.ts';
import type { Program } from '../plan/program.ts';

export class ParameterAverage {
  private constructor(
    private readonly engine: Engine,
    private readonly decay: number,
    /** Named after the parameters. */
    readonly variables: readonly Variable[],
    private readonly moving: Program,
    private readonly swapping: Program,
  ) {}

  /** Starts as the parameters are: the first blend takes nothing of the average. */
  static async create(
    engine: Engine,
    parameters: readonly Variable[],
    decay: number,
    signal?: AbortSignal,
  ): Promise<ParameterAverage> {
    const averages = parameters.map((p) => new Variable(`${p.name}.average`, p.shape, 'zeros', p.layout));
    const weights = input('weights', [2]);
    const moves = averages.map((a, i) => blend(a, parameters[i]!.tensor, weights));
    const swaps = averages.flatMap((a, i) => [assign(a, parameters[i]!.tensor), assign(parameters[i]!, a.tensor)]);
    const programs: Program[] = [];
    try {
      for (const updates of [moves, swaps]) programs.push(await engine.compile({ outputs: {}, updates }, { signal }));
      const average = new ParameterAverage(engine, decay, averages, programs[0]!, programs[1]!);
      await average.follow(1);
      return average;
    } catch (error) {
      for (const program of programs) program.dispose();
      engine.release(averages);
      throw error;
    }
  }

  /** Takes in the parameters of after step 1, 2, ... */
  async follow(step: number): Promise<void> {
    await this.moving.run({ weights: step === 1 ? [0, 1] : [this.decay, 1 - this.decay] });
  }

  /** The parameters and their average change places. */
  async swap(): Promise<void> {
    await this.swapping.run();
  }

  dispose(): void {
    this.moving.dispose();
    this.swapping.dispose();
    this.engine.release(this.variables);
  }
}
