/** `wgrad profile MODEL`: where the time of a pass goes, dispatch by dispatch. */
import { grad } from '../autograd/grad.ts';
import type { DispatchTime, Profile, ProfileOptions } from '../plan/profile.ts';
import { chromeTrace } from '../plan/trace.ts';
import type { LayerInfo } from '../model/network.ts';
import type { Model } from '../model/model.ts';
import { requireScores } from '../model/roles.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, choice, count, name } from '../options.ts';
import { slice } from '../ops/slice.ts';
import { sum } from '../ops/reduce.ts';
import { Random } from '../random.ts';
import { TrainStep } from '../train/step.ts';
import { sgd } from '../train/optimizers.ts';
import { input } from '../graph/leaves.ts';
import { defineCommand } from './command.ts';
import { list, onSwitch, outFile, shownAs } from './kinds.ts';
import { embeddedModel, modelOf, modelOptions, networkOf } from './model.ts';

/** What rows are added up by. */
const groupings = {
  dispatch: (_: DispatchTime, index: number) => String(index),
  layer: (d: DispatchTime) => `${d.name ?? d.op} ${d.role}`,
  kernel: (d: DispatchTime) => d.kernel,
  role: (d: DispatchTime) => d.role,
};

type Grouping = keyof typeof groupings;

/** What passes of a model are, for commands that look at them. */
export const passOptions = {
  output: modelOptions.output,
  size: modelOptions.size,
  gradient: onSwitch('with the gradient with respect to the picture'),
  train: list(shownAs('GLOB', name('a step of SGD with momentum that trains these layers'))),
  batch: atMost(65_536, count(1, 'pictures a run')),
};

export const profileCommand = defineCommand({
  summary: 'time each dispatch of a forward pass, of a gradient, or of a training step',
  usage: '[MODEL] [--gradient | --train GLOB[,GLOB...]] [--trace file.json]',
  arity: [0, 1],
  options: {
    ...passOptions,
    rounds: atMost(1000, count(5, 'times that each dispatch is measured; the figures are medians')),
    method: choice(
      ['auto', 'timestamps', 'submissions'],
      'auto',
      'how time is taken (auto: timestamps where there are)',
    ),
    by: choice(['dispatch', 'layer', 'kernel', 'role'], 'dispatch', 'what a row of the table is'),
    trace: outFile(undefined, 'a trace for chrome://tracing, Perfetto or the performance panel of a browser'),
  },
  async run(c, o) {
    const path = c.positionals[0] ?? embeddedModel;
    const model = await modelOf(c, await networkOf(c, { ...o, model: path }));
    const { profiled, what, end } = await subject(model, o, c.signal);
    const progress = (done: number, total: number) => c.progress('rounds', done, total);
    const { rounds, method, by, trace } = o;
    const measured = await profiled({ rounds, method, signal: c.signal, onProgress: progress });
    const profile = withLayers(measured, layersOf(model.network.root));
    const adapter = (await c.engine()).description;
    c.print(`${path}: ${what}, batch ${o.batch}; by ${profile.method}, medians of ${rounds}`);
    for (const line of tableLines(profile, by)) c.print(line);
    if (trace !== undefined) {
      await writeWhole(trace, JSON.stringify(chromeTrace(profile, { model: path, what, adapter })));
      c.note(`wrote ${trace}`);
    }
    c.result({ model: path, what, batch: o.batch, adapter, rounds, ...profile });
    end();
    model.dispose();
  },
});

interface Subject {
  profiled(options: ProfileOptions): Promise<Profile>;
  what: string;
  end(): void;
}

/** What is measured, on noise: the time of these kernels does not depend on the values. */
async function subject(
  model: Model,
  { batch, gradient, train }: { batch: number; gradient: boolean; train: readonly string[] },
  signal: AbortSignal,
): Promise<Subject> {
  const random = new Random('profile');
  const shape = [batch, ...model.pictureShape];
  const pixels = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal());
  if (train.length > 0) {
    const { count } = requireScores(model.roles);
    model.freeze().unfreeze(...train);
    const step = await TrainStep.create(model, { batch, optimizer: sgd({ lr: 1e-3, momentum: 0.9 }), signal });
    const target = Int32Array.from({ length: batch }, () => random.int(count));
    const what = `a step of SGD on ${train.join(', ')}`;
    return { profiled: (options) => step.profile(pixels, target, options), what, end: () => step.dispose() };
  }
  const graph = model.graph({ input: input(model.inputName, shape) });
  const wanted = gradient
    ? { dx: grad(sum(slice(graph.logits, [0, 0], [batch, 1])), [graph.input])[0]! }
    : graph.outputs;
  const program = await model.engine.compile({ outputs: wanted }, { signal });
  const what = gradient ? 'gradient of a class score with respect to the picture' : 'forward pass';
  const feeds = { [model.inputName]: pixels };
  return { profiled: (options) => program.profile(feeds, options), what, end: () => program.dispose() };
}

/** Dotted names of layers by the names of their nodes, which are what dispatches know. */
export function layersOf(root: LayerInfo): Map<string, string> {
  const layers = new Map<string, string>();
  const visit = (layer: LayerInfo) => {
    for (const node of (layer as { nodes?: { name: string }[] }).nodes ?? []) layers.set(node.name, layer.name);
    layer.children.forEach(visit);
  };
  visit(root);
  return layers;
}

function withLayers(profile: Profile, layers: ReadonlyMap<string, string>): Profile {
  const named = (d: DispatchTime) => ({ ...d, name: layers.get(d.name ?? '') || d.name });
  return { ...profile, dispatches: profile.dispatches.map(named) };
}

interface Row {
  name: string;
  role: string;
  kernel: string;
  workgroups: number;
  ms: number;
  flops: number;
  bytes: number;
}

/** Of several dispatches: what they have in common, and their sums. */
function summed(group: readonly DispatchTime[]): Row {
  const common = (kinds: string, of: (d: DispatchTime) => string) => {
    const all = new Set(group.map(of));
    return all.size === 1 ? [...all][0]! : `${all.size} ${kinds}`;
  };
  const total = (of: (d: DispatchTime) => number) => group.reduce((sum, d) => sum + of(d), 0);
  return {
    name: common('layers', (d) => d.name ?? d.op),
    role: common('roles', (d) => d.role),
    kernel: common('kernels', (d) => d.kernel),
    workgroups: total((d) => d.workgroups.reduce((a, b) => a * b)),
    ms: total((d) => d.ms),
    flops: total((d) => d.flops),
    bytes: total((d) => d.bytes),
  };
}

function tableLines(profile: Profile, by: Grouping): string[] {
  const groups = new Map<string, DispatchTime[]>();
  profile.dispatches.forEach((d, i) => {
    const key = groupings[by](d, i);
    groups.set(key, [...(groups.get(key) ?? []), d]);
  });
  const rows = [...groups.values()].map(summed);
  const rate = (amount: number, ms: number) => (amount > 0 && ms > 0 ? (amount / ms / 1e6).toFixed(2) : '');
  const line = (cells: readonly [string, string, string, string, string, string, string, string]) => {
    const [name, role, kernel, ...numbers] = cells;
    return `${name.padEnd(34)} ${role.padEnd(16)} ${kernel.padEnd(24)} ${numbers.map((n) => n.padStart(9)).join(' ')}`;
  };
  const shown = ({ name, role, kernel, workgroups, ms, flops, bytes }: Row) => {
    const share = `${((100 * ms) / profile.ms).toFixed(1)} %`;
    return line([name, role, kernel, String(workgroups), ms.toFixed(3), share, rate(flops, ms), rate(bytes, ms)]);
  };
  const all = summed(profile.dispatches);
  const { ms, wallMs, dispatches } = profile;
  return [
    line(['layer', 'role', 'kernel', 'groups', 'ms', 'share', 'GFLOP/s', 'GB/s']),
    ...rows.map(shown),
    `${dispatches.length} dispatches, ${ms.toFixed(2)} ms in sum, ${rate(all.flops, ms)} GFLOP/s; the whole run ${wallMs.toFixed(2)} ms`,
  ];
}
