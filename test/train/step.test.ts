/**
 * One training step with groups, clipping, accumulation and a moving average, against what PyTorch's formulas make of
 * the gradients, which a step of plain SGD with learning rate 1 tells: g = before - after.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Model } from '../../src/model/model.ts';
import { layerwiseDecay } from '../../src/train/groups.ts';
import { sgd } from '../../src/train/optimizers.ts';
import { TrainStep } from '../../src/train/step.ts';
import type { StepOptions } from '../../src/train/step_options.ts';
import { testEngine } from '../support/engine.ts';
import { spread } from '../support/gradcheck.ts';
import { embeddedModel } from '../support/golden.ts';
import { compare, tolerance } from '../tolerance.ts';

type State = Map<string, Float32Array>;

let model: Model;
let before: State;
let gradients: State;
const batch = 4;
const pictures = spread(batch * 3 * 64 * 64, 3);
const targets = Int32Array.of(0, 3, 5, 3);

beforeAll(async () => {
  model = await embeddedModel(await testEngine());
  model.freeze().unfreeze('layer4', 'fc');
  before = await model.state();
  const after = await trained({ optimizer: sgd({ lr: 1 }), batch });
  gradients = new Map([...before].map(([name, p]) => [name, p.map((v, i) => v - after.get(name)![i]!)]));
});

/** The parameters after `steps` steps on the same pictures; the model is put back. */
async function trained(options: StepOptions, steps = 1, look?: (step: TrainStep) => Promise<void>): Promise<State> {
  const step = await TrainStep.create(model, options);
  try {
    for (let k = 0; k < steps; k++) {
      await step.run(pictures, targets);
      await look?.(step);
    }
    return await model.state();
  } finally {
    step.dispose();
    for (const { name, variable } of model.network.parameters.values()) {
      await model.engine.write(variable, before?.get(name) ?? (variable.initial as Float32Array));
    }
  }
}

/** Each trained parameter against `rule` of its value, gradient, name. */
function follows(after: State, rule: (p: number, g: number, name: string) => number): void {
  for (const variable of model.trainable()) {
    const [p, g] = [before.get(variable.name)!, gradients.get(variable.name)!];
    const moved = after.get(variable.name)!.map((v, i) => v - p[i]!);
    const expected = p.map((v, i) => rule(v, g[i]!, variable.name) - v);
    expect(compare(moved, expected).relL2, variable.name).toBeLessThan(tolerance.miniGradient);
  }
}

const norm = () => Math.sqrt([...gradients.values()].reduce((n, g) => n + g.reduce((m, v) => m + v * v, 0), 0));

describe('a step', () => {
  it('groups: the first that matches has its own rate and decay; frozen parameters keep their bits', async () => {
    const groups = [
      { match: 'fc', lr: 0.5, weightDecay: 0 },
      { match: ['layer4.0.conv1', 'fc'], lrFactor: 0.1 },
    ];
    const after = await trained({ optimizer: sgd({ lr: 0.2, weightDecay: 0.3 }), batch, groups });
    follows(after, (p, g, name) => {
      if (name.startsWith('fc')) return p - 0.5 * g;
      return p - (name.startsWith('layer4.0.conv1') ? 0.02 : 0.2) * (g + 0.3 * p);
    });
    for (const { name } of model.network.parameters.values()) {
      if (!/^(layer4|fc)/.test(name)) expect(after.get(name)).toEqual(before.get(name));
    }
  });

  it("decayOn 'weights': biases and BatchNorms do not decay", async () => {
    const after = await trained({ optimizer: sgd({ lr: 0.2, weightDecay: 0.3 }), batch, decayOn: 'weights' });
    const rank = new Map(model.trainable().map((v) => [v.name, v.shape.length]));
    follows(after, (p, g, name) => p - 0.2 * (g + (rank.get(name)! > 1 ? 0.3 * p : 0)));
  });

  it('clips all gradients by their common norm', async () => {
    const whole = norm();
    const limit = whole / 3;
    const after = await trained({ optimizer: sgd({ lr: 1 }), batch, clipNorm: limit });
    follows(after, (p, g) => p - g * (limit / (whole + 1e-6)));
  });

  it('a norm within the limit changes nothing', async () => {
    follows(await trained({ optimizer: sgd({ lr: 1 }), batch, clipNorm: 3 * norm() }), (p, g) => p - g);
  });

  it('clips each value', async () => {
    const values = [...gradients.values()].flatMap((g) => [...g]).map(Math.abs);
    const limit = values.reduce((a, b) => Math.max(a, b), 0) / 4;
    const after = await trained({ optimizer: sgd({ lr: 1 }), batch, clipValue: limit });
    follows(after, (p, g) => p - Math.max(-limit, Math.min(limit, g)));
  });

  it('two micro-batches of two are one batch of four', async () => {
    const after = await trained({ optimizer: sgd({ lr: 1 }), batch: 2, accumulate: 2 });
    follows(after, (p, g) => p - g);
  });

  it('the moving average is the parameters after the first step, then decay of itself; averaged() lends it', async () => {
    const seen: State[] = [];
    const averages: State[] = [];
    await trained({ optimizer: sgd({ lr: 0.5 }), batch, ema: 0.75 }, 3, async (step) => {
      seen.push(await model.state());
      await step.averaged(async () => void averages.push(await model.state()));
      expect(await model.state()).toEqual(seen.at(-1));
    });
    const name = 'fc.weight';
    let expected = seen[0]!.get(name)!;
    for (const k of [0, 1, 2]) {
      if (k > 0) expected = expected.map((v, i) => 0.75 * v + 0.25 * seen[k]!.get(name)![i]!);
      expect(compare(averages[k]!.get(name)!, expected).maxRel).toBeLessThan(tolerance.op);
    }
  });

  it('layer-wise decay: the head has the whole rate, each stage before it a share', () => {
    const groups = layerwiseDecay(model, 0.5);
    const factorOf = (name: string) => groups.find((g) => (g.match as string[]).includes(name))!.lrFactor;
    expect([factorOf('fc.weight'), factorOf('layer4.0.conv1.weight'), factorOf('layer3.0.conv1.weight')]).toEqual([1, 0.5, 0.25]); // prettier-ignore
    expect(factorOf('conv1.weight')).toBe(0.5 ** 5);
  });

  it.each<[string, Partial<StepOptions>, string]>([
    ['a group that matches nothing', { groups: [{ match: 'layer9' }] }, 'unknown-name'],
    ['a rate and a factor', { groups: [{ match: 'fc', lr: 1, lrFactor: 1 }] }, 'invalid-argument'],
    ['a norm of 0', { clipNorm: 0 }, 'invalid-argument'],
    ['half a micro-batch', { accumulate: 0.5 }, 'invalid-argument'],
    ['an average that never moves', { ema: 1 }, 'invalid-argument'],
  ])('%s is refused', async (_, options, code) => {
    const made = TrainStep.create(model, { optimizer: sgd({ lr: 1 }), batch, ...options });
    await expect(made).rejects.toMatchObject({ code });
  });
});
