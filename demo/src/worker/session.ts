/** The engine, the model that is open, and the pictures that were given to it. */
import { decodeImage, toImageData } from '../../../src/browser/index.ts';
import { Engine } from '../../../src/engine.ts';
import { WgradError } from '../../../src/errors.ts';
import type { Image } from '../../../src/image/image.ts';
import { normalize, resizeAndCrop } from '../../../src/image/preprocess.ts';
import { preprocessOf } from '../../../src/model/image_space.ts';
import type { LayerInfo } from '../../../src/model/network.ts';
import type { Model } from '../../../src/model/model.ts';
import { loadOnnx, type LoadProgress } from '../../../src/onnx/index.ts';
import { knownFile, published } from './published.ts';

export interface DeviceInfo {
  description: string;
  /** Runs on the processor: right, and slow. */
  software: boolean;
}

/** A layer of the network's plan: what can be frozen, drawn or looked at. */
export interface Stage {
  name: string;
  kind: string;
  /** [C, H, W] of its output for one picture; absent where it has no spatial output. */
  shape?: readonly number[];
  parameters: number;
}

export interface ModelInfo {
  name: string;
  labels: readonly string[];
  shape: readonly [number, number, number];
  stages: Stage[];
  /** Layers with units to draw, the deepest last. */
  layers: { name: string; channels: number; height: number; width: number }[];
  warnings: readonly string[];
}

/** 8-bit pixels as the network sees them, ready for a canvas. */
export interface Shown {
  id: number;
  image: ImageData;
}

interface Held {
  image: Image;
  input: Float32Array;
}

/** A browser may give no new device for a moment after its GPU process went down. */
const TRIES = 6;

export class Session {
  engine: Engine | undefined;
  model: Model | undefined;
  private name = '';
  private nextId = 1;
  private readonly pictures = new Map<number, Held>();

  async device(): Promise<DeviceInfo> {
    this.engine ??= await Engine.create();
    const { description, isSoftware } = this.engine;
    return { description, software: isSoftware };
  }

  /** @throws what importing throws; the model that was open stays then. */
  async open(bytes: Uint8Array, name: string, signal: AbortSignal): Promise<ModelInfo> {
    await this.device();
    // A Blob can be read again after a loss of the device, and a browser need not keep it in memory.
    const file = new Blob([bytes as Uint8Array<ArrayBuffer>]);
    return this.take(await loadOnnx(this.engine!, file, { ...(await knownFile(bytes)), signal }), name);
  }

  /** Published weights, verified, from the browser's cache where they are in it. @throws what downloading throws too */
  async openPublished(
    alias: string,
    signal: AbortSignal,
    onProgress: (loaded: number, total: number) => void,
  ): Promise<ModelInfo> {
    await this.device();
    const { name, url, sha256, labels, preprocess } = await published(alias);
    const tell = ({ loaded, total }: LoadProgress) => onProgress(loaded, total);
    return this.take(
      await loadOnnx(this.engine!, url, { sha256, cache: true, labels, preprocess, signal, onProgress: tell }),
      name,
    );
  }

  private take(model: Model, name: string): ModelInfo {
    // Pictures are held as the model takes them.
    if (String(this.model?.pictureShape) !== String(model.pictureShape)) this.pictures.clear();
    this.model?.dispose();
    this.model = model;
    this.name = name;
    return this.info();
  }

  /** After 'device-lost': another device with all that was on the one before. @throws what engine.restore throws at last */
  async recover(): Promise<void> {
    for (let i = 1; ; i++) {
      try {
        return await this.engine!.restore();
      } catch (error) {
        if (i === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, 150 * 2 ** i));
      }
    }
  }

  get current(): Model {
    if (!this.model) throw new WgradError('invalid-argument', 'no model is open', { remedy: 'Open one first' });
    return this.model;
  }

  info(): ModelInfo {
    const model = this.current;
    const graph = model.graph();
    const layers: ModelInfo['layers'] = [];
    const shapeOf = (layer: LayerInfo) => (layer.value ? graph.value(layer.value).shape.slice(1) : undefined);
    const parametersOf = (layer: LayerInfo): number =>
      layer.parameters.reduce((n, name) => n + model.parameter(name).variable.tensor.size, 0) +
      layer.children.reduce((n, child) => n + parametersOf(child), 0);
    /** What everything passes through: convolutions, stages, and their blocks but the last, which is the stage's end. */
    const visit = (layer: LayerInfo, isTop: boolean): void => {
      for (const child of layer.children) if (child.value !== layer.value) visit(child, false);
      const [channels, height, width, ...more] = shapeOf(layer) ?? [];
      const passes = layer.kind === 'Block' || (isTop && (layer.kind === 'Module' || layer.kind === 'Conv'));
      if (passes && width !== undefined && more.length === 0)
        layers.push({ name: layer.name, channels: channels!, height: height!, width });
    };
    const stages = model.network.root.children.map((layer): Stage => {
      visit(layer, true);
      const parameters = parametersOf(layer);
      const shape = shapeOf(layer);
      return { name: layer.name, kind: layer.kind, parameters, ...(shape?.length === 3 && { shape }) };
    });
    return {
      name: this.name,
      labels: Array.from({ length: model.classes }, (_, i) => model.labelOf(i)),
      shape: model.pictureShape,
      stages,
      layers,
      warnings: model.warnings,
    };
  }

  /** Decodes, resizes and crops as the model wants it, and keeps it under a number. */
  async add(source: Blob | ImageData): Promise<Shown> {
    const image = source instanceof Blob ? await decodeImage(source) : withoutAlpha(source);
    return this.hold(image);
  }

  hold(image: Image): Shown {
    const model = this.current;
    const [, height, width] = model.pictureShape;
    const spec = preprocessOf(model);
    const cropped = resizeAndCrop(image, spec, { height, width });
    const id = this.nextId++;
    this.pictures.set(id, { image: cropped, input: normalize(cropped, spec) });
    return { id, image: toImageData(cropped) };
  }

  picture(id: number): Held {
    const found = this.pictures.get(id);
    if (!found) throw new WgradError('unknown-name', `picture ${id} is gone`, { remedy: 'Add it again' });
    return found;
  }

  drop(id: number): void {
    this.pictures.delete(id);
  }
}

/** Transparent places are white, as everywhere in wgrad. */
export function withoutAlpha({ width, height, data }: ImageData): Image {
  const out = new Uint8ClampedArray(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const alpha = data[4 * i + 3]! / 255;
    for (let c = 0; c < 3; c++) out[3 * i + c] = 255 + alpha * (data[4 * i + c]! - 255);
  }
  return { width, height, data: out };
}
