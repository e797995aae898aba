/** A step of the tour: what units respond to, from the early stages to the classes. */
import { ascend, channel, fourier, logit, type Objective } from '../ascent/index.ts';
import { stagesOf } from '../model/stages.ts';
import { gallery, short, type Picture } from '../report/index.ts';
import { imageOf } from '../model/image_space.ts';
import type { Tour, TourStep } from './tour_steps.ts';

/** So many stages are drawn, the last ones. */
const STAGES = 3;

type Unit = readonly [name: string, objective: Objective];

export interface DrawChoice {
  steps: number;
  /** Drawn of each stage. */
  channels: readonly number[];
  /** So many are drawn, the first ones. */
  classes: number;
  /** Of amplitudes by frequency (docs/visualize.md has what was measured). */
  decay: number;
}

export function drawStep({ c, model, files }: Tour, { steps, channels, classes, decay }: DrawChoice): TourStep {
  const stages = stagesOf(model.network, model.graph()).slice(-STAGES);
  const logits = Array.from({ length: Math.min(classes, model.classes) }, (_, k): Unit => [`logit ${model.labelOf(k)}`, logit(k)]); // prettier-ignore
  // The units of a stage are drawn together: what lies above it is not computed.
  const groups = [...stages.map((s) => channels.map((k): Unit => [`${s} channel ${k}`, channel(s, k)])), logits];
  const total = groups.flat().length;
  const pictures: Picture[] = [];
  return {
    name: 'draw',
    async run() {
      for (const units of groups) {
        const objective = units.map(([, o]) => o);
        let first: Float32Array | undefined;
        for await (const frame of ascend(model, { objective, steps, every: 8, picture: fourier({ decay }), signal: c.signal })) {
          c.progress(`  ${units[0]![0]}${units.length > 1 ? ` and ${units.length - 1} more` : ''}`, frame.step, steps);
          first ??= frame.objectives;
          if (frame.step < steps) continue;
          for (const [i, [name]] of units.entries()) {
            const caption = `${name}: ${short(first[i]!)} to ${short(frame.objectives[i]!)}`;
            const image = imageOf(model, await frame.image(i));
            const source = await files.picture(`unit-${name.replaceAll(' ', '-')}`, image, caption);
            pictures.push({ source, alt: name, caption });
          }
        } // prettier-ignore
        c.note(`  ${pictures.length} of ${total} units`);
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
