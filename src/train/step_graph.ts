/** The graph of a training step: loss, gradients of the trainable parameters only, their updates. */
import { grad } from '../autograd/grad.ts';
import { WgradError } from '../errors.ts';
import { input, variableOf, Variable } from '../graph/leaves.ts';
import { withRole, type Tensor } from '../graph/tensor.ts';
import type { Model, ModelGraph } from '../model/model.ts';
import type { NetworkParameter } from '../model/network.ts';
import { requireScores } from '../model/roles.ts';
import { blend } from '../ops/effects.ts';
import { clipGradients, type ClipOptions } from './clip.ts';
import { Entrance } from './entrance.ts';
import { FrozenPart } from './frozen.ts';
import { groupParameters, type DecayOn, type Grouping, type ParameterGroup } from './groups.ts';
import { classLoss, distilled, type DistillOptions, type LossData, type LossName } from './loss.ts';
import { SETTINGS, type Optimizer, type Slot } from './optimizers.ts';
import { lossData } from './step_options.ts';
import { targetInput } from './targets.ts';
import type { Teacher } from './teacher.ts';

/** Makes the pictures trained on from the given ones [batch,C,H,W]. */
export type Perturb = (loss: (pictures: Tensor) => Tensor, pictures: Tensor) => Tensor;

export interface StepGraphOptions extends ClipOptions {
  optimizer: Optimizer;
  batch: number;
  accumulate: number;
  groups?: readonly ParameterGroup[] | undefined;
  decayOn: DecayOn;
  labelSmoothing: number;
  loss?: LossName | LossData | undefined;
  classWeights?: readonly number[] | undefined;
  teacher?: (DistillOptions & { model: Teacher }) | undefined;
  perturb?: Perturb | undefined;
  entrance?: Entrance | undefined;
  splitFrozen?: boolean | undefined;
  since?: Readonly<Record<string, number>> | undefined;
  signal?: AbortSignal | undefined;
}

export interface StepGraph {
  parameters: readonly NetworkParameter[];
  grouping: Grouping;
  slots: readonly Slot[];
  /** Of the gradients of the micro-batches, where there are several. */
  sums: readonly Variable[];
  outputs: { loss: Tensor; logits: Tensor };
  gradients: readonly Tensor[];
  /** Effects of one run: updates and running statistics, or sums and running statistics. */
  changes: readonly Tensor[];
  /** Updates from the sums; empty where nothing is accumulated. */
  apply: readonly Tensor[];
  settings: Tensor;
  /** Where the step is fed what the frozen part makes of pictures. */
  frozen: FrozenPart | undefined;
  /** Running statistics that a step changes: of BatchNorm that uses those of the batch. */
  statistics: readonly Variable[];
}

/** @throws WgradError 'invalid-argument' where nothing is trainable, 'unknown-name' for a group that matches nothing. */
export async function stepGraph(model: Model, o: StepGraphOptions): Promise<StepGraph> {
  const { optimizer, batch, accumulate, perturb } = o;
  const variables = new Set(model.trainable());
  const parameters = [...model.network.parameters.values()].filter((p) => variables.has(p.variable));
  if (parameters.length === 0) {
    throw new WgradError('invalid-argument', 'training: every parameter is frozen', {
      remedy: "Unfreeze some: model.unfreeze('fc')",
    });
  }
  const grouping = groupParameters(model, parameters, optimizer, o.groups ?? [], o.decayOn, o.since);
  const { kind } = requireScores(model.roles);
  const entrance = o.entrance ?? new Entrance(model, { batch });
  const target = targetInput(batch, model.classes, entrance.soft);
  const { labelSmoothing, classWeights, teacher } = o;
  const chosen = lossData(o.loss);
  const lossOf = ({ logits }: Pick<ModelGraph, 'logits'>) =>
    classLoss(kind, logits, target, { labelSmoothing, classWeights, loss: chosen });
  const clean = entrance.picture;
  const graph = model.graph({
    training: true,
    input: perturb ? perturb((pictures) => lossOf(model.graph({ input: pictures })), clean) : clean,
  });
  const told = teacher ? [teacher.model.logits(clean)] : [];
  let all: readonly Tensor[] = [graph.logits, ...told, ...graph.updates];
  let frozen: FrozenPart | undefined;
  if (o.splitFrozen) {
    frozen = await FrozenPart.create(model, all, clean, [...variables, ...changedBy(graph.updates)], o.signal);
    all = frozen?.cut(all, clean) ?? all;
  }
  const [logits] = all as [Tensor, ...Tensor[]];
  const statistics = all.slice(1 + told.length);
  const own = lossOf({ logits });
  const loss = teacher ? distilled(kind, own, [logits, all[1]!], target, teacher) : own;
  const tensors = parameters.map((p) => p.variable.tensor);
  const gradients = grad(loss, tensors);
  const slots = parameters.map((p) => optimizer.slot(p.variable));
  const settings = input('settings', [grouping.rows.length, SETTINGS]);
  const updatesFrom = (raw: readonly Tensor[]) =>
    withRole('update', () => {
      const clipped = clipGradients(raw, o);
      return slots.map((slot, i) => slot.update(clipped[i]!, settings, grouping.of[i]));
    });
  const sums = accumulate > 1 ? parameters.map(sumOf) : [];
  const weights = input('weights', [2]);
  const moves = accumulate > 1 ? sums.map((sum, i) => blend(sum, gradients[i]!, weights)) : updatesFrom(gradients);
  return {
    ...{ parameters, grouping, slots, sums, gradients, settings, frozen },
    outputs: { loss, logits },
    changes: [...moves, ...statistics],
    apply: accumulate > 1 ? updatesFrom(sums.map((sum) => sum.tensor)) : [],
    statistics: changedBy(statistics),
  };
}

/** Variables that effects change. */
export const changedBy = (effects: readonly Tensor[]): Variable[] =>
  effects.flatMap(({ node }) => (node.op.effect?.changes ?? []).map((i) => variableOf(node.inputs[i]!)!));

const sumOf = ({ variable: v }: NetworkParameter) => new Variable(`${v.name}.gradient`, v.shape, 'zeros', v.layout);
