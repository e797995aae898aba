/** `wgrad tour`, the main job: classify, explain, draw, fine-tune; one page that shows all of it. */
import { join } from 'node:path';
import { WgradError } from '../errors.ts';
import { gridCss } from '../explain/index.ts';
import { classFolders } from '../node/folder_dataset.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, count, name } from '../options.ts';
import { facts, renderPage } from '../report/index.ts';
import { defineCommand } from './command.ts';
import { outFolder, shownAs } from './kinds.ts';
import { modelOptions, networkOf, pictureModelOf } from './model.ts';
import { pictureOptions } from './pictures.ts';
import { photosTour, shapesTour } from './tour_data.ts';
import { drawStep } from './tour_draw.ts';
import { classifyStep, explainStep } from './tour_look.ts';
import { TourFiles, type Tour, type TourStep } from './tour_steps.ts';
import { tuneStep } from './tour_tune.ts';

interface Made {
  model: string;
  adapter: string;
  seconds: number;
  command: string;
  /** Why not all is there. */
  warning: string | undefined;
}

/** @returns the page's path; undefined where nothing was done. */
async function writePage({ files }: Tour, steps: readonly TourStep[], made: Made): Promise<string | undefined> {
  const sections = [];
  for (const step of steps) sections.push(...[await step.section()].filter((s) => s !== undefined));
  if (sections.length === 0) return undefined;
  const page = join(files.folder, 'index.html');
  const numbers = [...steps.flatMap((s) => s.facts()), { value: `${made.seconds} s`, label: 'for all of it' }];
  await writeWhole(
    page,
    renderPage({
      title: 'A tour of wgrad',
      intro: [`${made.model}, on ${made.adapter}.`],
      facts: facts(numbers),
      warning: made.warning,
      sections,
      command: made.command,
      files: files.list,
      css: gridCss,
    }),
  );
  return page;
}

export const tourCommand = defineCommand({
  summary: 'classify, explain, draw and fine-tune; writes a page that shows all of it',
  usage: '[--model FILE.onnx --images DIR] [--out DIR]',
  arity: [0, 0],
  options: {
    ...modelOptions,
    ...pictureOptions,
    images: shownAs('DIR', name('photographs: DIR/CLASS/*.jpg, or DIR/train and DIR/val')),
    classes: count(5, 'with --images: classes to fine-tune on'),
    'per-class': count(8, 'with --images: training pictures a class'),
    steps: atMost(100_000, count(undefined, 'ascent steps for each unit (default 64, with --images 16)')),
    out: outFolder('out/tour', 'folder to write'),
  },
  async run(c, o) {
    const { images, out } = o;
    if ((o.model === undefined) !== (images === undefined)) {
      throw new WgradError('usage', 'tour: --model and --images go together', { remedy: 'See: wgrad tour --help' });
    }
    if (images !== undefined) await classFolders(images);
    const started = performance.now();
    const model = await pictureModelOf(c, await networkOf(c, o));
    const data = images ? await photosTour(c, model, images, o) : await shapesTour(model);
    const tour: Tour = { c, model, data, isPhotos: images !== undefined, files: new TourFiles(out) };
    const looked = classifyStep(tour);
    const tuned = tuneStep(tour);
    const steps = [
      looked,
      explainStep(tour, looked),
      drawStep(
        tour,
        images
          ? { steps: o.steps ?? 16, channels: [3], classes: 2, decay: 1 }
          : { steps: o.steps ?? 64, channels: [3, 11], classes: 8, decay: 1.5 },
      ),
      tuned,
    ];
    const adapter = (await c.engine()).description;
    const seconds = () => Math.round((performance.now() - started) / 1000);
    const leave = (warning?: string) =>
      writePage(tour, steps, { model: o.model ?? 'The embedded model', adapter, seconds: seconds(), command: c.line, warning }); // prettier-ignore
    // Ctrl-C waits for the page of what is done; a step that fails leaves one too.
    const page = await c.hold(async () => {
      for (const step of steps) {
        c.note(step.name);
        try {
          await step.run();
        } catch (error) {
          const why = c.signal.aborted ? `Interrupted at '${step.name}'` : `'${step.name}' failed: ${(error as Error).message}`; // prettier-ignore
          // What went wrong first is what is told.
          const left = await leave(`${why}. What was done until then is here.`).catch(() => undefined);
          if (left !== undefined) c.note(`${left} has what was done`);
          throw error;
        }
      }
      return leave();
    });
    c.print(`${page} written after ${seconds()} s`);
    c.result({ page, accuracyBefore: tuned.before(), accuracyAfter: tuned.after(), seconds: seconds() });
  },
});
