/** Classes of a picture, maps of why, and what happens to the scores when a region is hidden. */
import type { ClassScore } from '../../../src/model/model.ts';
import {
  colorsInWords,
  costOf,
  createExplainer,
  drawMap,
  errorInWords,
  methodNames,
  methodOf,
  segment,
  type Attribution,
  type Explainer,
  type FigureOptions,
  type MethodName,
  type MethodOptions,
} from '../../../src/explain/index.ts';
import { Lru } from '../../../src/lru.ts';
import type { Progress } from '../../../src/explain/types.ts';
import type { Session } from './session.ts';

export interface MethodInfo {
  name: string;
  summary: string;
  caution?: string | undefined;
  /** Of its default options, in forward passes. */
  forwards: number | undefined;
}

export interface MapInfo {
  id: number;
  label: string;
  score: number;
  /** How far it is from what the method promises. */
  error: string;
  /** Why there is no such figure, where there is none. */
  noError: string;
}

export interface Drawn {
  image: ImageData;
  /** What its colours mean. */
  colors: string;
}

/** A map in the making: what can be shown of it now. */
export interface Partial {
  progress: Progress;
  image?: ImageData;
}

/** Methods that a picture and a class are enough for. */
const offered = () =>
  (methodNames as readonly MethodName[]).filter(
    (name) => methodOf(name).target === 'one' && !Object.values(methodOf(name).options).some((kind) => kind.required),
  );

const KEPT = 6;

export class Explaining {
  private readonly explainers = new Lru<string, Promise<Explainer>>(KEPT, (made) => void made.then((e) => e.dispose(), () => undefined)); // prettier-ignore
  private readonly maps = new Map<number, { map: Attribution; picture: number }>();
  private regions: { picture: number; labels: Int32Array } | undefined;
  private nextId = 1;

  constructor(private readonly session: Session) {}

  /** The model changed: nothing that was compiled for it holds. */
  reset(): void {
    this.explainers.clear();
    this.maps.clear();
    this.regions = undefined;
  }

  methods(): MethodInfo[] {
    const size = this.session.current.pictureShape.reduce((a, b) => a * b, 1);
    return offered().map((name) => {
      const { summary, caution } = methodOf(name);
      return { name, summary, caution, forwards: costOf(name, {}, size) };
    });
  }

  classify(picture: number, signal: AbortSignal): Promise<ClassScore[]> {
    const { current } = this.session;
    return current.classify(this.session.picture(picture).input, { top: Math.min(1000, current.classes), signal });
  }

  async explain(
    picture: number,
    method: string,
    target: number | undefined,
    signal: AbortSignal,
    onPartial: (partial: Partial) => void,
  ): Promise<MapInfo> {
    const { input, image } = this.session.picture(picture);
    const explainer = await this.explainer(method as MethodName, signal);
    let progress: Progress = { done: 0, total: 1 };
    const map = await explainer.run(input, {
      target,
      signal,
      onProgress: (now) => onPartial({ progress: (progress = now) }),
      onPartial: (part) => {
        const soFar = { ...part, method, target: null, score: 0, error: { kind: 'none', reason: '' } } as Attribution;
        onPartial({ progress, image: imageData(drawMap(image, soFar).picture) });
      },
    });
    const id = this.nextId++;
    this.maps.set(id, { map, picture });
    return { id, label: map.label ?? '', score: map.score, error: errorInWords(map), noError: map.error.kind === 'none' ? map.error.reason : '' }; // prettier-ignore
  }

  draw(id: number, options: FigureOptions): Drawn | undefined {
    const found = this.maps.get(id);
    if (!found) return undefined;
    const { map, picture } = found;
    const { picture: drawn, scale } = drawMap(this.session.picture(picture).image, map, options);
    return { image: imageData(drawn), colors: scale ? colorsInWords(scale.sign, map.label, options.mode) : '' };
  }

  forget(id: number): void {
    this.maps.delete(id);
  }

  /** Region of each pixel, for hovering. */
  async segments(picture: number): Promise<Int32Array> {
    if (this.regions?.picture !== picture) {
      const options = { segmentation: 'slic', segmentCount: 40 } as const;
      this.regions = { picture, labels: await segment(this.session.picture(picture).image, options) };
    }
    return this.regions.labels;
  }

  /** The scores with one region painted over with its mean colour. */
  async without(picture: number, region: number, signal: AbortSignal): Promise<ClassScore[]> {
    const labels = await this.segments(picture);
    const { input } = this.session.picture(picture);
    const area = labels.length;
    const hidden = input.slice();
    for (let c = 0; c < input.length / area; c++) {
      let [sum, count] = [0, 0];
      for (let i = 0; i < area; i++) if (labels[i] === region) [sum, count] = [sum + input[c * area + i]!, count + 1];
      for (let i = 0; i < area; i++) if (labels[i] === region) hidden[c * area + i] = sum / count;
    }
    const { current } = this.session;
    return current.classify(hidden, { top: Math.min(1000, current.classes), signal });
  }

  private explainer(method: MethodName, signal: AbortSignal): Promise<Explainer> {
    const key = `${method} ${this.session.current.revision}`;
    const known = this.explainers.get(key);
    if (known) return known;
    const made = createExplainer(this.session.current, { method } as MethodOptions, { signal });
    this.explainers.set(key, made);
    made.catch(() => this.explainers.delete(key));
    return made;
  }
}

const imageData = ({ width, height, data }: { width: number; height: number; data: Uint8ClampedArray }): ImageData =>
  new ImageData(data as Uint8ClampedArray<ArrayBuffer>, width, height);
