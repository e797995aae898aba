/** The loop of an ascent: runs its steps, reads what frames are asked for, keeps the best pictures. */
import { WgradError } from '../errors.ts';
import { checkPicture } from '../model/gate.ts';
import type { Model } from '../model/model.ts';
import type { ResolvedOptions } from '../options.ts';
import { Random } from '../random.ts';
import { lucidTransforms } from '../transforms/index.ts';
import type { ascendOptions, BestPicture, Frame } from './ascend.ts';
import { compileStep, REPORT, type CompiledStep } from './compile.ts';
import type { Objective } from './objectives/objective.ts';
import { fourier } from './picture/fourier.ts';
import { inputOf, pixelsOf, type PixelSpace } from './picture/space.ts';

type Resolved = ResolvedOptions<typeof ascendOptions>;

interface Best {
  pictures: Float32Array;
  scores: Float32Array;
  steps: Float32Array;
}

export class Drawing {
  private step: CompiledStep | undefined;
  private kept: Best | undefined;
  private last: { step: number; pictures: Float32Array } | undefined;
  private current = -1;
  private readonly alive: boolean[];

  constructor(
    private readonly model: Model,
    private readonly objectives: readonly Objective[],
    private readonly pictures: number,
    private readonly space: PixelSpace,
    private readonly o: Resolved,
  ) {
    this.alive = new Array<boolean>(pictures).fill(false);
  }

  private async compile(): Promise<CompiledStep> {
    const { o, space, pictures: n, model } = this;
    for (const layer of this.objectives.flatMap((objective) => objective.layers)) model.network.resolve(layer);
    const shape = [n, ...space.shape] as const;
    const { picture = fourier(), transforms = lucidTransforms(Math.min(space.shape[1], space.shape[2])) } = o;
    const climb = picture.climb({ shape, space });
    const drawn = picture.build({
      shape,
      space,
      randoms: Array.from({ length: n }, (_, i) => new Random(`${o.seed}:${i}`)),
      start: o.image && startOf(o.image, shape, space),
    });
    const optimizer = o.optimizer ?? climb.optimizer;
    return compileStep(model, {
      objectives: this.objectives,
      drawn,
      space,
      transforms,
      optimizer,
      // The parametrisation's modifiers belong to its optimiser.
      gradient: o.gradient ?? (o.optimizer ? [] : climb.gradient),
      relu: o.relu,
      signal: o.signal,
      lr: o.lr ?? optimizer.lr,
    });
  }

  async *frames(): AsyncGenerator<Frame, void, void> {
    const { o, model } = this;
    const random = new Random(`${o.seed} transforms`);
    const plateau = new Plateau(o.patience ?? Infinity, o.gain);
    const step = (this.step = await this.compile());
    let redirect = 0;
    try {
      for (let at = 0; at <= o.steps; at++) {
        o.signal?.throwIfAborted();
        const plain = redirect === 0;
        const program = plain ? step.program : await step.redirected();
        if (!plain) redirect--;
        await program.run(step.feeds(at, random), { signal: o.signal });
        this.current = at;
        if (at % o.every !== 0 && at !== o.steps) continue;
        const frame = await this.frame(at);
        const stuck = this.check(frame);
        if (at === 0 && stuck && o.relu === 'plain' && o.steps > 0) redirect = o.redirect;
        else if (plain || at === o.steps) this.requireLife(frame);
        const ends = at === o.steps || plateau.reached(frame);
        if (ends) this.last = { step: at, pictures: await model.engine.read(step.shown, { signal: o.signal }) };
        yield frame;
        if (ends) return;
      }
    } finally {
      await this.keepBest();
      this.current = Infinity;
      this.step = undefined;
      step.dispose();
    }
  }

  private async frame(at: number): Promise<Frame> {
    const report = await this.model.engine.read(this.step!.report, { signal: this.o.signal });
    const rows = report.length / this.pictures;
    const column = (k: number) => Float32Array.from({ length: this.pictures }, (_, i) => report[rows * i + k]!);
    const objectives = column(REPORT.score);
    const pixels = (index = 0) => this.shownAt(at, index);
    return {
      step: at,
      objective: objectives[0]!,
      objectives,
      gradients: column(REPORT.gradient),
      dead: column(REPORT.dead).map((v) => (v < 0 ? NaN : v)),
      pixels,
      image: async (index = 0) => this.asInput(await pixels(index)),
    };
  }

  /** @returns whether a picture never had a gradient. @throws WgradError 'not-finite'. */
  private check({ step, objectives, gradients }: Frame): boolean {
    objectives.forEach((value, i) => {
      if (Number.isFinite(value)) return;
      throw new WgradError('not-finite', `ascend: ${this.nameOf(i)} is ${value} at step ${step}`, {
        remedy: 'Take a smaller learning rate; the best picture so far is kept',
      });
    });
    gradients.forEach((length, i) => (this.alive[i] ||= length !== 0));
    return this.alive.includes(false);
  }

  /** @throws WgradError 'dead-unit'. */
  private requireLife({ step }: Frame): void {
    if (this.o.steps === 0 || this.alive.includes(true)) return;
    const names = this.objectives.map((o) => o.name).join(', ');
    throw new WgradError('dead-unit', `ascend: nothing raises ${names}: the gradient is 0 up to step ${step}`, {
      remedy: 'Try another seed, a picture to start from, or another unit',
    });
  }

  private nameOf = (i: number) => (this.objectives[i] ?? this.objectives[0]!).name;

  private async shownAt(at: number, index: number): Promise<Float32Array> {
    if (this.last?.step === at) return this.one(this.last.pictures, index);
    if (this.current === at) return this.one(await this.model.engine.read(this.step!.shown), index);
    throw new WgradError('disposed', `ascend: the picture of step ${at} is gone; it is step ${this.current}`, {
      remedy: 'Ask for it before the next frame',
    });
  }

  /** @throws WgradError 'unknown-name'. */
  private one(batch: Float32Array, index: number): Float32Array {
    if (Number.isInteger(index) && index >= 0 && index < this.pictures) {
      const size = batch.length / this.pictures;
      return batch.slice(index * size, (index + 1) * size);
    }
    throw new WgradError('unknown-name', `ascend: picture ${index} of ${this.pictures}`, {
      remedy: `Give an index from 0 to ${this.pictures - 1}`,
    });
  }

  private asInput(pixels: Float32Array): Float32Array {
    const [channels, h, w] = this.space.shape;
    return inputOf(pixels.subarray(0, channels * h * w), this.space, h * w);
  }

  private async readBest(): Promise<Best> {
    const { pictures, scores, steps } = this.step!.best;
    const read = (v: typeof pictures) => this.model.engine.read(v);
    const [a, b, c] = await Promise.all([read(pictures), read(scores), read(steps)]);
    return { pictures: a, scores: b, steps: c };
  }

  private async keepBest(): Promise<void> {
    if (this.current < 0) return;
    try {
      this.kept = await this.readBest();
    } catch {
      // The device is gone, and with it the pictures.
    }
  }

  async bestOf(index: number): Promise<BestPicture> {
    const best = this.step && this.current >= 0 ? await this.readBest() : this.kept;
    if (!best) {
      throw new WgradError('invalid-argument', 'ascend: there is no picture yet', {
        remedy: 'Go through its frames first',
      });
    }
    const pixels = this.one(best.pictures, index);
    const [objective, step] = [best.scores[index]!, best.steps[index]!];
    return { pixels, image: this.asInput(pixels), objective, step };
  }
}

/** Whether every picture's score has stopped rising. */
class Plateau {
  private readonly best: number[] = [];
  private readonly since: number[] = [];

  constructor(
    private readonly patience: number,
    private readonly gain: number,
  ) {}

  reached({ step, objectives }: Frame): boolean {
    objectives.forEach((value, i) => {
      const best = this.best[i];
      if (best !== undefined && value <= best + this.gain * Math.abs(best)) return;
      this.best[i] = value;
      this.since[i] = step;
    });
    return this.since.every((at) => step - at >= this.patience);
  }
}

/** Pixel values of what is started from. @throws WgradError 'shape', 'not-finite'. */
function startOf(image: Float32Array, shape: readonly number[], space: PixelSpace): Float32Array {
  const [n, c, h, w] = shape as [number, number, number, number];
  const one = c * h * w;
  if (image.length === one) {
    checkPicture(image, [c, h, w], 'ascend: the image');
    const pixels = pixelsOf(image, space, h * w);
    return Float32Array.from({ length: n * one }, (_, i) => pixels[i % one]!);
  }
  checkPicture(image, shape, 'ascend: the images');
  return pixelsOf(image, space, h * w);
}
