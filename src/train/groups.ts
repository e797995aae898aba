/** Parameter groups: learning rates and weight decay for parts of the model. */
import { WgradError } from '../errors.ts';
import { matcher } from '../model/globs.ts';
import type { Model } from '../model/model.ts';
import type { NetworkParameter } from '../model/network.ts';
import { custom, nonNegative, readOptions } from '../options.ts';
import type { Optimizer } from './optimizers.ts';

/** Parameters with a learning rate or weight decay of their own. */
export interface ParameterGroup {
  /** Names of parameters or layers, with `*` for any run of characters; 'layer4' also means all that is below it. */
  match: string | readonly string[];
  /** Learning rate in place of the optimiser's; the schedule applies to it too. */
  lr?: number;
  /** Or a factor on the optimiser's. */
  lrFactor?: number;
  /** In place of the optimiser's. */
  weightDecay?: number;
}

/** all: every parameter. weights: not those of one axis, which are biases and the factors of BatchNorm. */
export type DecayOn = 'all' | 'weights';

const isPattern = (v: unknown) =>
  (typeof v === 'string' && v !== '') ||
  (Array.isArray(v) && v.length > 0 && v.every((s) => typeof s === 'string' && s !== ''));

const groupOptions = {
  match: { ...custom<string | readonly string[]>('whom it is for', 'a name or several', isPattern), required: true },
  lr: nonNegative(undefined, 'learning rate'),
  lrFactor: nonNegative(undefined, "factor on the optimiser's learning rate"),
  weightDecay: nonNegative(undefined, 'weight decay'),
};

/** What one row of the settings is for. */
export interface Row {
  /** Factor on the optimiser's learning rate. */
  factor: number;
  weightDecay: number;
  /** Steps that were done when its parameters were unfrozen: theirs are counted from there. */
  since: number;
}

export interface Grouping {
  /** Without doubles. */
  rows: readonly Row[];
  /** For each parameter the index of its row. */
  of: readonly number[];
}

/**
 * Finds each parameter's group: the first that matches it, else none, which is the optimiser's own settings.
 * @param since for each parameter the steps that were done when it was unfrozen; default 0.
 * @throws WgradError 'unknown-name' for a group that matches no parameter of the model; 'invalid-argument'.
 */
export function groupParameters(
  model: Model,
  parameters: readonly NetworkParameter[],
  optimizer: Optimizer,
  groups: readonly ParameterGroup[],
  decayOn: DecayOn,
  since: Readonly<Record<string, number>> = {},
): Grouping {
  const all = [...model.network.parameters.values()];
  const tested = groups.map((group, i) => {
    const given = readOptions(`group ${i}`, groupOptions, { ...group });
    const { match } = given as { match: ParameterGroup['match'] };
    const matches = matcher(typeof match === 'string' ? [match] : match);
    const isMember = (p: NetworkParameter) => matches(p.name) || matches(p.layer);
    if (!all.some(isMember)) {
      throw new WgradError('unknown-name', `group ${i}: no parameter or layer matches '${String(match)}'`, {
        remedy: 'See `wgrad info MODEL` for their names',
      });
    }
    return { isMember, factor: factorOf(`group ${i}`, given, optimizer), weightDecay: given.weightDecay };
  });
  const rows: Row[] = [];
  const of = parameters.map((p) => {
    const group = tested.find(({ isMember }) => isMember(p));
    const isWeight = p.variable.shape.length > 1;
    const weightDecay = decayOn === 'weights' && !isWeight ? 0 : (group?.weightDecay ?? optimizer.weightDecay);
    const factor = group?.factor ?? 1;
    const own: Row = { factor, weightDecay, since: since[p.name] ?? 0 };
    const known = rows.findIndex(
      (row) => row.factor === factor && row.weightDecay === weightDecay && row.since === own.since,
    );
    return known >= 0 ? known : rows.push(own) - 1;
  });
  return { rows, of };
}

function factorOf(
  what: string,
  { lr, lrFactor }: { lr?: number | undefined; lrFactor?: number | undefined },
  optimizer: Optimizer,
): number {
  if (lr === undefined) return lrFactor ?? 1;
  if (lrFactor !== undefined) {
    throw new WgradError('invalid-argument', `${what}: lr and lrFactor exclude each other`);
  }
  if (optimizer.lr === 0) {
    throw new WgradError('invalid-argument', `${what}: lr is relative to the optimiser's learning rate, which is 0`, {
      remedy: 'Give the optimiser a learning rate',
    });
  }
  return lr / optimizer.lr;
}

/**
 * Groups for layer-wise decay of the learning rate (Howard and Ruder, 2018; BEiT): the last level of the network has the
 * optimiser's rate, each level before it `decay` times that of the next. What stands before the first block is one
 * level.
 * @param decay above 0, for instance 0.7 @param by 'stage': layer4 is a level; 'block': layer4.2 is one.
 */
export function layerwiseDecay(model: Model, decay: number, by: 'stage' | 'block' = 'stage'): ParameterGroup[] {
  if (!(decay > 0 && Number.isFinite(decay))) {
    throw new WgradError('invalid-argument', `layerwiseDecay: decay is ${decay}; a number above 0 is needed`);
  }
  const parameters = [...model.network.parameters.values()].filter((p) => p.trainable);
  const paths = parameters.map((p) => p.layer.split('.'));
  const firstBlock = paths.findIndex((path) => path.length > 1);
  const levels = new Map<string, string[]>();
  parameters.forEach((p, i) => {
    const path = paths[i]!;
    const deep = path.slice(0, by === 'block' && path.length > 2 ? 2 : 1).join('.');
    const level = i < firstBlock ? '' : deep;
    levels.set(level, [...(levels.get(level) ?? []), p.name]);
  });
  return [...levels.values()].map((match, i) => ({ match, lrFactor: decay ** (levels.size - 1 - i) }));
}
