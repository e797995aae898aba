/** `wgrad tune MODEL`: the kernels of a model's convolutions and matrix products, measured on this machine and kept. */
import type { TunedGemm } from '../gemm/tune.ts';
import type { Choice } from '../gemm/family.ts';
import { grad } from '../autograd/grad.ts';
import { input } from '../graph/leaves.ts';
import type { Model } from '../model/model.ts';
import { sum } from '../ops/reduce.ts';
import type { Program } from '../plan/program.ts';
import { sgd } from '../train/optimizers.ts';
import { TrainStep } from '../train/step.ts';
import { defineCommand } from './command.ts';
import { onSwitch } from './kinds.ts';
import { embeddedModel, modelOf, networkOf } from './model.ts';
import { layersOf, passOptions } from './profile.ts';

export const tuneCommand = defineCommand({
  summary: 'measure which kernels suit a model on this machine, and keep the answers for later runs',
  usage: '[MODEL] [--gradient] [--train GLOB[,GLOB...]] [--batch N]',
  arity: [0, 1],
  options: {
    ...passOptions,
    again: onSwitch('measure also what is known already'),
  },
  async run(c, o) {
    const path = c.positionals[0] ?? embeddedModel;
    const model = await modelOf(c, await networkOf(c, { ...o, model: path }));
    const engine = await c.engine();
    const names = layersOf(model.network.root);
    const rows: TunedGemm[] = [];
    const programs = await programsOf(model, o, c.signal);
    const onProgress = (done: number, total: number, latest: TunedGemm) => {
      rows.push({ ...latest, layers: [...new Set(latest.layers.map((layer) => names.get(layer) || layer))] });
      c.progress('problems', done, total);
    };
    try {
      await c.hold(() => engine.tune(programs, { again: o.again, signal: c.signal, onProgress }));
    } finally {
      // Of an interrupted run what was measured by then.
      for (const line of tableLines(rows)) c.print(line);
      c.result({ model: path, batch: o.batch, adapter: engine.description, problems: rows });
      for (const program of programs) program.dispose();
      model.dispose();
    }
  },
});

/** Programs whose kernels are to be chosen; they are not run. */
async function programsOf(
  model: Model,
  { batch, gradient, train }: { batch: number; gradient: boolean; train: readonly string[] },
  signal: AbortSignal,
): Promise<Program[]> {
  const graph = model.graph({ input: input(model.inputName, [batch, ...model.pictureShape]) });
  const outputs = gradient ? { dx: grad(sum(Object.values(graph.outputs)[0]!), [graph.input])[0]! } : graph.outputs;
  const programs: Program[] = [await model.engine.compile({ outputs }, { signal })];
  if (train.length > 0) {
    model.freeze().unfreeze(...train);
    const step = await TrainStep.create(model, { batch, optimizer: sgd({ lr: 1e-3, momentum: 0.9 }), signal });
    programs.push(step.program);
  }
  return programs;
}

const kernelName = ({ family, tile, parts }: Choice) => `${family} ${tile}${parts > 1 ? ` in ${parts} parts` : ''}`;

function tableLines(rows: readonly TunedGemm[]): string[] {
  const line = (layer: string, role: string, shape: string, winner: string, ...numbers: string[]) =>
    `${layer.padEnd(34)} ${role.padEnd(16)} ${shape.padEnd(18)} ${winner.padEnd(28)} ${numbers.map((n) => n.padStart(8)).join(' ')}`;
  const shown = ({ layers, role, shape: { m, n, k }, winner, gflops, gain, error, wrong }: TunedGemm) => {
    const layer = layers.length > 1 ? `${layers[0]!} and ${layers.length - 1} more` : layers[0]!;
    const numbers = [
      gflops.toFixed(1),
      gain === undefined ? 'known' : `${gain.toFixed(2)} x`,
      error?.toExponential(0) ?? '',
    ];
    const faults = wrong.map(
      (w) => `  wrong: ${kernelName(w.choice)} is off by ${w.error.toExponential(1)}; please report it`,
    );
    return [line(layer, role, `${m} x ${n} x ${k}`, kernelName(winner), ...numbers), ...faults];
  };
  const gains = rows.flatMap(({ gain }) => gain ?? []);
  const mean = Math.exp(gains.reduce((sum, gain) => sum + Math.log(gain), 0) / gains.length);
  return [
    line('layer', 'role', 'rows x cols x sum', 'winner', 'GFLOP/s', 'gain', 'error'),
    ...rows.flatMap(shown),
    `${rows.length} problems, ${gains.length} measured${gains.length > 0 ? `, mean gain ${mean.toFixed(2)} x` : ''}`,
  ];
}
