/** `wgrad ascend --image photo.jpg --octaves 4`: deep dream at the photograph's own size. */
import { join } from 'node:path';
import { deepDream } from '../ascent/index.ts';
import type { Image, Planes } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import { toImage } from '../image/preprocess.ts';
import { plainPixels } from '../image/preprocess_spec.ts';
import type { Model } from '../model/model.ts';
import { encodeAnimation, type animationFormats } from '../node/animation.ts';
import { writeWhole } from '../node/write.ts';
import { short } from '../report/index.ts';
import type { Drawn } from './ascend_sheet.ts';
import type { Unit } from './ascend_units.ts';
import type { Context } from './command.ts';

interface DreamChoices {
  octaves: number;
  steps: number;
  seed: number;
  animate: string;
  out: string;
}

/** Dreams of each unit on the photograph; what is interrupted leaves the picture so far. */
export async function dreamOf(
  c: Context,
  model: Model,
  photo: Image,
  units: readonly Unit[],
  files: readonly string[],
  o: DreamChoices,
): Promise<Drawn[]> {
  const drawn: Drawn[] = [];
  const { width, height, data } = photo;
  const channels = model.pictureShape[0];
  const planes: Planes = {
    ...{ width, height, channels },
    data: Float32Array.from({ length: channels * width * height }, (_, i) => {
      const [plane, at] = [Math.floor(i / (width * height)), i % (width * height)];
      return data[3 * at + Math.min(plane, 2)]! / 255;
    }),
  };
  for (const [i, { text, objective }] of units.entries()) {
    const steps = Math.max(1, Math.round(o.steps / o.octaves));
    const film: Image[] = [];
    let [start, end, done] = [NaN, NaN, 0];
    let picture: Planes | undefined;
    try {
      for await (const frame of deepDream(model, planes, {
        objective,
        octaves: o.octaves,
        steps,
        seed: o.seed,
        signal: c.signal,
      })) {
        if (frame.step === 0) start = Number.isNaN(start) ? frame.objective : start;
        else done++;
        end = frame.objective;
        picture = frame.picture;
        c.progress(text, done, steps * frame.octaves);
        if (o.animate !== 'none' && frame.octave === frame.octaves) film.push(imageOf(picture));
      }
    } finally {
      if (picture) {
        const image = imageOf(picture);
        const file = join(o.out, `${files[i]}.png`);
        await c.hold(async () => {
          await writeWhole(file, await encodePng(image));
          const format = o.animate as (typeof animationFormats)[number];
          if (film.length > 1)
            await writeWhole(join(o.out, `${files[i]}.${format}`), await encodeAnimation(film, { format }));
        });
        c.print(`${file}: ${objective.name} from ${short(start)} to ${short(end)}, ${image.width} x ${image.height}`);
        drawn.push({ unit: text, name: objective.name, file, start, end, dead: null, steps: done, image });
      }
    }
  }
  return drawn;
}

const imageOf = ({ width, height, channels, data }: Planes): Image =>
  toImage(data, { width, height }, plainPixels(channels));
