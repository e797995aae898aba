/** A step of the tour: what units respond to, from the early stages to the classes. */
import { ascend, channel, logit, type Objective } from '../ascent/index.ts';
import { stagesOf } from '../model/stages.ts';
import { gallery, short, type Picture } from '../report/index.ts';
import { imageOf } from '../model/image_space.ts';
import type { Tour, TourStep } from './tour_steps.ts';

/** So many stages are drawn, the last ones. */
const STAGES = 3;

/** @param channels drawn of each stage. */
export function drawStep({ c, model, files }: Tour, steps: number, channels: readonly number[]): TourStep {
  const stages = stagesOf(model.network, model.graph()).slice(-STAGES);
  const units: [string, Objective][] = [
    ...stages.flatMap((s) => channels.map((k): [string, Objective] => [`${s} channel ${k}`, channel(s, k)])),
    ...[0, 1].map((k): [string, Objective] => [`logit ${model.labelOf(k)}`, logit(k)]),
  ];
  const pictures: Picture[] = [];
  return {
    name: 'draw',
    async run() {
      for (const [i, [name, objective]] of units.entries()) {
        let first = NaN;
        for await (const frame of ascend(model, { objective, steps, every: 8, signal: c.signal })) {
          c.progress(`  ${name}`, frame.step, steps);
          if (frame.step === 0) first = frame.objective;
          if (frame.step < steps) continue;
          const caption = `${name}: ${short(first)} to ${short(frame.objective)}`;
          const image = imageOf(model, await frame.image());
          const source = await files.picture(`unit-${name.replaceAll(' ', '-')}`, image, caption);
          pictures.push({ source, alt: name, caption });
        }
        c.note(`  ${i + 1} of ${units.length} units`);
      }
    },
    section: async () =>
      pictures.length === 0
        ? undefined
        : {
            title: 'Draw',
            text: `What units respond to: ${steps} steps of activation ascent from noise. The numbers are the unit's value before and after.`,
            body: gallery(pictures),
          },
    facts: () => [],
  };
}
