/** What a step of an ascent costs beside a forward pass of as many pictures: the forward, its gradient, and the update. */
import { ascend, channel } from '../../../src/ascent/index.ts';
import type { AscentTask, Entry } from '../../core/case.ts';
import { forwardOf, openModel, type NetworkHost } from './network.ts';

/** Steps of a run, after the first frame: until then everything is compiled and has run once. And forward passes. */
const STEPS = 4;

export async function ascentEntry(host: NetworkHost, { batch }: AscentTask): Promise<Entry> {
  const model = await openModel(host);
  const forward = await forwardOf(host, model, batch);
  return {
    async run() {
      const started = performance.now();
      for (let i = 0; i < STEPS; i++) await forward.run();
      const forwards = (performance.now() - started) / STEPS;
      let at = 0;
      const options = { objective: channel('layer3', 7), pictures: batch, steps: STEPS, every: STEPS } as const;
      for await (const { step } of ascend(model, options)) if (step === 0) at = performance.now();
      return { forward: forwards, step: (performance.now() - at) / STEPS };
    },
    dispose() {
      forward.dispose();
      model.dispose();
    },
  };
}
