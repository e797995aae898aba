/** Drawing what units respond to, frame by frame, and a sheet of many. */
import { ascend, channel, type Objective } from '../../../src/ascent/index.ts';
import { toImageData } from '../../../src/browser/index.ts';
import { imageOf } from '../../../src/model/image_space.ts';
import type { Session } from './session.ts';

/** A weighted sum of units. */
export interface Dream {
  units: readonly { layer: string; unit: number; weight: number }[];
  steps: number;
  seed: number;
}

export interface DreamFrame {
  step: number;
  steps: number;
  objective: number;
  image: ImageData;
}

export interface SheetCell {
  unit: number;
  objective: number;
  image: ImageData;
}

/** Frames that a page can show a second; more only cost readbacks. */
const FRAMES_PER_SECOND = 12;

export class Dreaming {
  constructor(private readonly session: Session) {}

  async run(dream: Dream, signal: AbortSignal, tell: (frame: DreamFrame) => void): Promise<void> {
    const { units, steps, seed } = dream;
    const objective = units
      .map(({ layer, unit, weight }) => channel(layer, unit).times(weight))
      .reduce((sum: Objective, next) => sum.plus(next));
    let shown = -Infinity;
    for await (const frame of ascend(this.session.current, { objective, steps, seed, signal })) {
      const now = performance.now();
      if (frame.step < steps && now - shown < 1000 / FRAMES_PER_SECOND) continue;
      shown = now;
      tell({ step: frame.step, steps, objective: frame.objective, image: this.picture(await frame.image()) });
    }
  }

  /** Units of a layer one after the other, fewer steps each. */
  async sheet(
    layer: string,
    units: readonly number[],
    steps: number,
    signal: AbortSignal,
    tell: (cell: SheetCell) => void,
  ) {
    // prettier-ignore
    for (const unit of units) {
      for await (const frame of ascend(this.session.current, { objective: channel(layer, unit), steps, seed: 1, signal })) {
        if (frame.step < steps) continue;
        tell({ unit, objective: frame.objective, image: this.picture(await frame.image()) });
      }
    }
  }

  private picture(values: Float32Array): ImageData {
    return toImageData(imageOf(this.session.current, values));
  }
}
