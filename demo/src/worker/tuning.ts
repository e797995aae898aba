/** Fine-tuning on pictures that were put into classes, watched while it goes. */
import { createExplainer, drawMap, type Explainer } from '../../../src/explain/index.ts';
import { WgradError } from '../../../src/errors.ts';
import { shapePictures, SIDE } from '../../../src/data/shapes.ts';
import { adam, fit, inMemory, sgd, type Sample } from '../../../src/train/index.ts';
import { placeOf, shortcutWarnings, type Place } from '../../../src/watch/drift.ts';
import { isLost } from './jobs.ts';
import type { Session, Shown } from './session.ts';

export interface Labelled {
  picture: number;
  /** Index into the classes. */
  label: number;
  heldOut: boolean;
}

export interface TuneOptions {
  classes: readonly string[];
  pictures: readonly Labelled[];
  /** Stages that are trained, such as ['layer4', 'fc']. */
  unfrozen: readonly string[];
  optimizer: 'adam' | 'sgd';
  lr: number;
  epochs: number;
  batchSize: number;
  /** Drawn anew after each epoch. */
  pinned: readonly number[];
}

/** What the model says of one picture. */
export interface Verdict {
  picture: number;
  label: number;
  guess: number;
  heldOut: boolean;
}

export interface PinnedMap {
  picture: number;
  image: ImageData;
  /** What it was explained as. */
  label: number;
  /** Share of the map that lies on the object, where the object is known. */
  onObject?: number;
}

export type TuneEvent =
  | { type: 'head'; kept: readonly string[]; fresh: readonly string[]; dropped: readonly string[] }
  /** The GPU went away; its work goes on with this epoch on another device. */
  | { type: 'lost'; epoch: number }
  | { type: 'step'; step: number; steps: number; epoch: number; loss: number; ms: number }
  /** Pinned pictures before anything was trained. */
  | { type: 'look'; maps: PinnedMap[] }
  | { type: 'epoch'; epoch: number; loss: number; accuracy: number; heldOut?: number; verdicts: Verdict[]; maps: PinnedMap[]; warnings: string[] }; // prettier-ignore

/** Pictures that are classified in one run. */
const TOGETHER = 16;

/** Devices that may be lost in one training. */
const MOST_LOSSES = 3;

export const optimizers = { adam: (lr: number) => adam({ lr }), sgd: (lr: number) => sgd({ lr, momentum: 0.9 }) };

export class Tuning {
  private before: { bytes: Uint8Array; name: string } | undefined;
  private readonly masks = new Map<number, Uint8Array>();
  private paused: Promise<void> | undefined;
  private resumeNow: (() => void) | undefined;

  constructor(private readonly session: Session) {}

  /** Generated pictures of shapes, with the object's place. */
  samples(classes: readonly string[], count: number, seed: string): (Shown & { label: number })[] {
    return shapePictures(seed, count, classes).map(({ pixels, mask, label }) => {
      const shown = this.session.hold({ width: SIDE, height: SIDE, data: pixels });
      if (shown.image.width === SIDE && shown.image.height === SIDE) this.masks.set(shown.id, mask);
      return { ...shown, label };
    });
  }

  pause(): void {
    this.paused ??= new Promise((resolve) => (this.resumeNow = resolve));
  }

  resume(): void {
    this.resumeNow?.();
    this.paused = undefined;
  }

  async run(options: TuneOptions, signal: AbortSignal, tell: (event: TuneEvent) => void): Promise<void> {
    const model = this.session.current;
    const { classes, pictures, unfrozen, optimizer, lr, epochs, batchSize } = options;
    const trained = pictures.filter(({ heldOut }) => !heldOut);
    if (classes.length < 2) throw new WgradError('invalid-argument', 'one class has nothing to be told from', { remedy: 'Add a second one' }); // prettier-ignore
    const empty = classes.findIndex((_, label) => !trained.some((p) => p.label === label));
    if (empty >= 0) throw new WgradError('dataset-empty', `class '${classes[empty]}' has no picture to train on`, { remedy: 'Add some, or remove the class' }); // prettier-ignore
    if (unfrozen.length === 0) throw new WgradError('invalid-argument', 'everything is frozen', { remedy: 'Unfreeze a stage of the network' }); // prettier-ignore
    const { name } = this.session.info();
    this.before = { bytes: await model.saveOnnx({ signal }), name };
    const head = await model.adaptHead(classes);
    tell({ type: 'head', kept: head.kept, fresh: head.fresh, dropped: head.dropped });
    model.freeze().unfreeze(...unfrozen);
    const dataset = (list: readonly Labelled[]) =>
      inMemory(list.map(({ picture, label }): Sample => ({ input: this.session.picture(picture).input, label })), classes); // prettier-ignore
    const held = pictures.filter(({ heldOut }) => heldOut);
    const explainer = await createExplainer(model, { method: 'grad-cam' }, { signal });
    this.resume();
    const abort = () => this.resume();
    signal.addEventListener('abort', abort);
    try {
      await model.engine.snapshot({ signal });
      const pinned = options.pinned.flatMap((id) => pictures.find(({ picture }) => picture === id) ?? []);
      const first = await this.maps(explainer, pinned, signal);
      if (first.maps.length > 0) tell({ type: 'look', maps: first.maps });
      let done = 0;
      /** The epochs that are left; an epoch that a lost device cut off is begun again. */
      const train = async () => {
        const settings = { optimizer: optimizers[optimizer](lr), epochs: epochs - done, batchSize, signal, seed: done };
        const before = done;
        for await (const event of fit(model, dataset(trained), settings)) {
          if (event.type === 'step') tell({ type: 'step', step: event.step + (event.steps / (epochs - before)) * before, steps: event.steps, epoch: event.epoch + before, loss: event.loss, ms: event.seconds * 1000 }); // prettier-ignore
          if (event.type === 'epoch') {
            const verdicts = await this.verdicts([...trained, ...held], signal);
            const { maps, places } = await this.maps(explainer, pinned, signal);
            const onHeld = verdicts.filter(({ heldOut }) => heldOut);
            tell({
              type: 'epoch',
              epoch: event.epoch + before,
              loss: event.loss,
              accuracy: event.accuracy,
              ...(onHeld.length > 0 && { heldOut: right(onHeld) }),
              verdicts,
              maps,
              warnings: shortcutWarnings(first.places, places),
            });
            await model.engine.snapshot({ signal });
            done = before + event.epoch;
          }
          await this.paused;
          signal.throwIfAborted();
        }
      };
      for (let losses = 0; done < epochs; losses++) {
        try {
          await train();
        } catch (error) {
          if (!isLost(error) || losses === MOST_LOSSES) throw error;
          tell({ type: 'lost', epoch: done + 1 });
          await this.session.recover();
        }
      }
    } finally {
      signal.removeEventListener('abort', abort);
      explainer.dispose();
    }
  }

  /** The model as it was before the last training. */
  async undo(signal: AbortSignal): Promise<boolean> {
    if (!this.before) return false;
    const { bytes, name } = this.before;
    await this.session.open(bytes, name, signal);
    this.before = undefined;
    return true;
  }

  private async verdicts(pictures: readonly Labelled[], signal: AbortSignal): Promise<Verdict[]> {
    const model = this.session.current;
    const verdicts: Verdict[] = [];
    for (let at = 0; at < pictures.length; at += TOGETHER) {
      const some = pictures.slice(at, at + TOGETHER);
      const inputs = some.map(({ picture }) => this.session.picture(picture).input);
      const batch = new Float32Array(inputs.length * inputs[0]!.length);
      inputs.forEach((input, i) => batch.set(input, i * input.length));
      const { logits } = await model.run(batch, { signal });
      const width = logits.length / some.length;
      some.forEach(({ picture, label, heldOut }, i) => {
        const guess = model.predicted(logits.subarray(i * width, (i + 1) * width));
        verdicts.push({ picture, label, guess, heldOut });
      });
    }
    return verdicts;
  }

  /** Of each pinned picture, for the class that it is in. */
  private async maps(explainer: Explainer, pinned: readonly Labelled[], signal: AbortSignal) {
    const [maps, places]: [PinnedMap[], Place[]] = [[], []];
    for (const { picture, label } of pinned) {
      const { input, image } = this.session.picture(picture);
      const map = await explainer.run(input, { target: label, signal });
      const { width, height, data } = drawMap(image, map).picture;
      const place = placeOf(map, this.masks.get(picture));
      places.push(place);
      maps.push({
        ...{ picture, label, image: new ImageData(data as Uint8ClampedArray<ArrayBuffer>, width, height) },
        ...(place.object !== undefined && { onObject: place.object }),
      });
    }
    return { maps, places };
  }
}

const right = (verdicts: readonly Verdict[]) => verdicts.filter(({ label, guess }) => label === guess).length / verdicts.length; // prettier-ignore
