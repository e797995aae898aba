/** What methods of many masks cost beside as many forward passes; test/explain/costs.test.ts counts the passes themselves. */
import { createExplainer, type MethodOptions } from '../../../src/explain/index.ts';
import type { Entry, ExplainTask } from '../../core/case.ts';
import { pictures } from '../../core/operands.ts';
import { forwardOf, openModel, type NetworkHost } from './network.ts';

/** One after another in each run, so that all meet the same noise. */
export async function explainEntry(host: NetworkHost, { masks, batch }: ExplainTask): Promise<Entry> {
  const model = await openModel(host);
  const forward = await forwardOf(host, model, batch);
  const picture = pictures(1, host.source);
  const methods: MethodOptions[] = [
    { method: 'lime', samples: masks, batch, segmentation: 'grid' },
    { method: 'kernel-shap', samples: masks, batch, cells: 4 },
    { method: 'rise', samples: masks, batch },
  ];
  const explainers = await Promise.all(methods.map((options) => createExplainer(model, options)));
  const works: [string, () => Promise<unknown>][] = [
    [
      'forward',
      async () => {
        for (let i = 0; i < masks; i += batch) await forward.run();
      },
    ],
    ...explainers.map((e, i): [string, () => Promise<unknown>] => [
      methods[i]!.method,
      () => e.run(picture, { target: 0 }),
    ]),
  ];
  return {
    async run() {
      const parts: Record<string, number> = {};
      for (const [name, work] of works) {
        const started = performance.now();
        await work();
        parts[name] = performance.now() - started;
      }
      return parts;
    },
    dispose() {
      for (const explainer of explainers) explainer.dispose();
      forward.dispose();
      model.dispose();
    },
  };
}
