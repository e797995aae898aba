/** wgrad/worker: the engine, its models and all that takes long, in a Worker; the names and calls of the other entries. */
import type { Attribution, RunOptions as ExplainRun } from '../explain/types.ts';
import type { MethodOptions } from '../explain/methods/index.ts';
import type { ExplainOptions, ExplainPictures, ExplainSeveral } from '../explain/explainer.ts';
import type { BestPicture, Frame } from '../ascent/ascend.ts';
import type { LoadOptions, ModelSource } from '../onnx/index.ts';
import type { AdamOptions, RmspropOptions, SgdOptions } from '../train/optimizers.ts';
import type { Dataset } from '../train/dataset.ts';
import type { FitEvent } from '../train/events.ts';
import { WgradError } from '../errors.ts';
import { Explainer, requireData, type Engine, type Model } from './client.ts';
import type { OptimizerData, RemoteAscend, RemoteFit, ServedExplainer } from './host.ts';
import type { Remote } from './wire.ts';

export { WgradError, type ErrorCode } from '../errors.ts';
export { Engine, Explainer, Model, type WorkerEngineOptions } from './client.ts';
export type { ModelInfo, OptimizerData, RemoteAscend, RemoteFit } from './host.ts';
export { connect, expose, transfer, Wire, type Port, type Remote } from './wire.ts';

/** As `loadOnnx` of 'wgrad/onnx': downloads, parses and uploads in the Worker. */
export const loadOnnx = (engine: Engine, source: ModelSource, options: LoadOptions = {}): Promise<Model> =>
  engine.load(source, options);

/** As `explain` of 'wgrad/explain'; targets are classes and units by name. */
export function explain(model: Model, pixels: Float32Array, options: ExplainOptions): Promise<Attribution>;
export function explain(model: Model, pixels: Float32Array, options: ExplainSeveral): Promise<Attribution[]>;
export function explain(
  model: Model,
  pixels: readonly Float32Array[],
  options: ExplainPictures,
): Promise<Attribution[]>;
export async function explain(
  model: Model,
  pixels: Float32Array | readonly Float32Array[],
  options: ExplainOptions | ExplainSeveral | ExplainPictures,
): Promise<Attribution | Attribution[]> {
  const { target, targets, signal, onProgress, onPartial, ...compiled } = options as ExplainOptions &
    Partial<ExplainSeveral>;
  const run = { signal, onProgress, onPartial };
  using explainer = await createExplainer(model, compiled as MethodOptions, { signal });
  if (pixels instanceof Float32Array) {
    return targets ? await explainer.runEach(pixels, targets, run) : await explainer.run(pixels, { ...run, target });
  }
  const each = Array.isArray(target) ? (target as ExplainRun['target'][]) : pixels.map(() => target);
  if (each.length !== pixels.length) {
    throw new WgradError('invalid-argument', `explain: ${each.length} targets for ${pixels.length} pictures`);
  }
  const maps: Attribution[] = [];
  for (const [i, picture] of pixels.entries()) maps.push(await explainer.run(picture, { ...run, target: each[i] }));
  return maps;
}

/** As `createExplainer` of 'wgrad/explain'. */
export async function createExplainer(
  model: Model,
  options: MethodOptions,
  control: { signal?: AbortSignal | undefined } = {},
): Promise<Explainer> {
  await model.settled();
  const remote = await model.remote.explainer(options, control);
  return new Explainer(model, remote as unknown as Remote<ServedExplainer>);
}

/** As `fit` of 'wgrad/train', with an optimiser of this entry: the pictures are asked of `data` here, a batch ahead. */
export async function* fit(model: Model, data: Dataset, options: RemoteFit): AsyncGenerator<FitEvent, void, void> {
  requireData('fit', 'schedule', options.schedule, "a schedule of 'wgrad/train' or its name");
  requireData(
    'fit',
    'the optimizer',
    (options.optimizer as { slot?: unknown }).slot,
    "sgd() or another of 'wgrad/worker'",
  );
  await model.settled();
  const { validation, ...rest } = options;
  const sent = { ...rest, ...(validation && { validation: proxied(validation) }) };
  yield* (await model.remote.fit(proxied(data), sent)) as AsyncGenerator<FitEvent, void, void>;
}

/** Methods of a class stay behind when it is cloned. */
const proxied = (data: Dataset): Dataset => ({
  length: data.length,
  classes: data.classes,
  ...(data.checked !== undefined && { checked: data.checked }),
  ...(data.fixed !== undefined && { fixed: data.fixed }),
  get: (index) => data.get(index),
});

/** Frames, and the best pictures so far. */
export interface Ascent extends AsyncGenerator<Frame, void, void> {
  /** As {@link Ascent} of wgrad/ascent has it. */
  best(index?: number): Promise<BestPicture>;
}

/** As `ascend` of 'wgrad/ascent', with the objective as text: `{ objective: 'channel(layer3.5,7)' }`. */
export function ascend(model: Model, options: RemoteAscend): Ascent {
  const started = model.settled().then(() => model.remote.ascend(options));
  started.catch(() => undefined);
  async function* frames(): AsyncGenerator<Frame, void, void> {
    yield* (await started).frames as AsyncGenerator<Frame, void, void>;
  }
  return Object.assign(frames(), { best: async (index?: number) => (await started).best(index) });
}

const optimizer = <O extends object>(name: OptimizerData['name']) =>
  (options: O): OptimizerData => ({ name, options: options as Readonly<Record<string, unknown>> }); // prettier-ignore

/** The optimisers of 'wgrad/train' as data. */
export const sgd = optimizer<SgdOptions>('sgd');
/** `adam` of wgrad/train, as data that the worker makes the optimiser of. */
export const adam = optimizer<AdamOptions>('adam');
/** `adamw` of wgrad/train, as data that the worker makes the optimiser of. */
export const adamw = optimizer<AdamOptions>('adamw');
/** `rmsprop` of wgrad/train, as data that the worker makes the optimiser of. */
export const rmsprop = optimizer<RmspropOptions>('rmsprop');
