/** What runs in the Worker: an engine, its models, and what is asked of them; the page's side is client.ts. */
import { ascend, parseObjective, type AscendOptions, type Ascent, type Frame } from '../ascent/index.ts';
import { Engine, type EngineOptions } from '../engine.ts';
import {
  createExplainer,
  type ExplainPictures,
  type MethodOptions,
  type RunOptions as ExplainRun,
  type Targets,
} from '../explain/index.ts';
import type { LayerInfo } from '../model/network.ts';
import type { Model, RunOptions } from '../model/model.ts';
import type { PictureOptions, PictureSource } from '../model/pictures.ts';
import { loadOnnx, type LoadOptions, type ModelSource } from '../onnx/index.ts';
import { fit, type Dataset, type FitOptions } from '../train/index.ts';
import { optimizerOf, type optimizerTables } from '../train/optimizers.ts';
import { transfer } from './wire.ts';

/** An optimiser by name, which can go to another thread. */
export interface OptimizerData {
  readonly name: keyof typeof optimizerTables;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Options of `fit`, with data in place of functions. */
export type RemoteFit = Omit<FitOptions, 'optimizer'> & { optimizer: OptimizerData };

/** Options of `ascend`, with objectives as text: `channel(layer3.5,7) - 1e-2*l1`. */
export type RemoteAscend = Pick<
  AscendOptions,
  'pictures' | 'steps' | 'lr' | 'gradient' | 'relu' | 'redirect' | 'size' | 'image' | 'seed' | 'every' | 'patience' | 'gain' | 'signal'
> & { objective: string | readonly string[]; optimizer?: OptimizerData }; // prettier-ignore

/** What of a model is known at once: all but the values of its parameters. */
export interface ModelInfo {
  labels: readonly string[] | undefined;
  classes: number;
  pictureShape: [number, number, number];
  warnings: readonly string[];
  revision: number;
  layers: LayerInfo;
  parameters: readonly { name: string; shape: readonly number[]; trained: boolean }[];
}

const infoOf = (model: Model): ModelInfo => {
  const trained = new Set(model.trainable());
  return {
    labels: model.labels,
    classes: model.roles.scores ? model.classes : 0,
    pictureShape: model.pictureShape,
    warnings: model.warnings,
    revision: model.revision,
    layers: model.network.root,
    parameters: [...model.network.parameters.values()].map(({ name, variable }) => ({
      name,
      shape: variable.shape,
      trained: trained.has(variable),
    })),
  };
};

/** A frame whose pictures are moved, not copied. */
const sent = (frame: Frame) => ({
  ...frame,
  image: async (index?: number) => transfer(await frame.image(index)),
  pixels: async (index?: number) => transfer(await frame.pixels(index)),
});

async function* sentFrames(ascent: Ascent) {
  for await (const frame of ascent) yield sent(frame);
}

const optimizerFrom = ({ name, options }: OptimizerData) => optimizerOf(name, options);

/** Changes of a model that its page makes without waiting. */
export type Change =
  | { freeze: readonly string[] }
  | { unfreeze: readonly string[] }
  | { batchNorm: Parameters<Model['batchNorm']> }
  | { replaceHead: Parameters<Model['replaceHead']> };

function served(model: Model) {
  return {
    info: () => infoOf(model),
    change(change: Change): ModelInfo {
      if ('freeze' in change) model.freeze(...change.freeze);
      else if ('unfreeze' in change) model.unfreeze(...change.unfreeze);
      else if ('batchNorm' in change) model.batchNorm(...change.batchNorm);
      else model.replaceHead(...change.replaceHead);
      return infoOf(model);
    },
    async adaptHead(...of: Parameters<Model['adaptHead']>) {
      return { change: await model.adaptHead(...of), info: infoOf(model) };
    },
    run: async (pictures: Float32Array, options: RunOptions) => transfer(await model.run(pictures, options)),
    classify: (source: PictureSource | Float32Array, options: Parameters<Model['classify']>[1]) =>
      model.classify(source, options),
    pixels: async (source: PictureSource, options: PictureOptions) => transfer(await model.pixels(source, options)),
    state: (options: RunOptions) => model.state(options),
    saveOnnx: async (options: RunOptions) => transfer(await model.saveOnnx(options)),
    async explainer(options: MethodOptions, control: { signal?: AbortSignal | undefined }) {
      const explainer = await createExplainer(model, options, control);
      return {
        run: (pixels: Float32Array, run: ExplainRun) => explainer.run(pixels, run),
        runEach: (pixels: Float32Array, targets: Targets, run: Omit<ExplainRun, 'target'>) =>
          explainer.runEach(pixels, targets, run),
        dispose: () => explainer.dispose(),
      };
    },
    fit: (data: Dataset, { optimizer, ...options }: RemoteFit) =>
      fit(model, data, { ...options, optimizer: optimizerFrom(optimizer) }),
    ascend(options: RemoteAscend) {
      const context = { reference: options.image };
      const objectives = [options.objective].flat().map((text) => parseObjective(text, context));
      const { optimizer, ...rest } = options;
      const ascent = ascend(model, {
        ...rest,
        objective: objectives.length === 1 ? objectives[0]! : objectives,
        ...(optimizer && { optimizer: optimizerFrom(optimizer) }),
      });
      const best = async (index?: number) => {
        const found = await ascent.best(index);
        return transfer(found, [found.pixels.buffer as ArrayBuffer, found.image.buffer as ArrayBuffer]);
      };
      return { size: ascent.size, frames: sentFrames(ascent), best };
    },
    dispose: () => model.dispose(),
  };
}

/** @param create how an engine is made; default {@link Engine.create}, in Node `createEngine` of 'wgrad/node'. */
export function host(create: (options: EngineOptions) => Promise<Engine> = Engine.create) {
  return {
    async create(options: EngineOptions) {
      const engine = await create(options);
      const { description, isSoftware } = engine;
      return {
        description,
        isSoftware,
        lost: () => engine.lost,
        memory: () => engine.memory,
        snapshot: (o: RunOptions) => engine.snapshot(o),
        restore: () => engine.restore(),
        dispose: () => engine.dispose(),
        load: async (source: ModelSource, o: LoadOptions) => {
          const model = await loadOnnx(engine, source, o);
          return { ...served(model), at: infoOf(model) };
        },
      };
    },
  };
}

export type Host = ReturnType<typeof host>;
export type ServedEngine = Awaited<ReturnType<Host['create']>>;
export type ServedModel = Awaited<ReturnType<ServedEngine['load']>>;
export type ServedExplainer = Awaited<ReturnType<ServedModel['explainer']>>;
export type { ExplainPictures };
