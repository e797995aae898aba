/** Options of `wgrad finetune` that say how it is watched: TensorBoard, pinned pictures, units, the page afterwards. */
import { dirname, relative } from 'node:path';
import { methodNames, methodOf, type MethodName } from '../explain/index.ts';
import type { Model } from '../model/model.ts';
import { folderLog } from '../node/log_folder.ts';
import { prepareFolder, writeWhole } from '../node/write.ts';
import { count, name, whole } from '../options.ts';
import { SummaryWriter } from '../tensorboard/index.ts';
import { mainClass, type Dataset } from '../train/dataset.ts';
import type { FitEvent } from '../train/events.ts';
import { trainingPage, TrainingWatch, type WatchedPicture } from '../watch/index.ts';
import type { Context } from './command.ts';
import { list, shownAs } from './kinds.ts';

export const watchOptions = {
  logdir: shownAs('DIR', name('writes event files for TensorBoard there: tensorboard --logdir DIR')),
  watch: whole(
    1,
    'held-out pictures of each class that are explained after each epoch, where there is a log or a page',
  ),
  'watch-methods': list(shownAs('METHOD', name('how they are explained (default: grad-cam)'))),
  'watch-units': list(shownAs('LAYER:N', name('units that are drawn by ascent, such as layer4:7 or class:2'))),
  'watch-steps': count(64, 'steps of the drawing of a unit'),
  'watch-every': count(1, 'epochs between two looks'),
  histograms: whole(1, 'epochs between histograms of weights and gradients in the log; 0: none'),
};

export interface WatchChoice {
  logdir?: string | undefined;
  watch: number;
  'watch-methods': readonly string[];
  'watch-units': readonly string[];
  'watch-steps': number;
  'watch-every': number;
  histograms: number;
  lr: number;
  batch: number;
  optimizer?: { name: string } | undefined;
  unfreeze: readonly string[];
}

/** What `finetune` does for it beside training; undefined where nobody watches. */
export async function watchOf(c: Context, model: Model, validation: Dataset, o: WatchChoice, wantsPage: boolean) {
  for (const method of o['watch-methods']) methodOf(method);
  if (o.logdir === undefined && !wantsPage) return undefined;
  if (o.logdir !== undefined) await prepareFolder(o.logdir);
  const log = o.logdir === undefined ? undefined : new SummaryWriter(folderLog(o.logdir));
  const methods = o['watch-methods'].filter((m): m is MethodName => methodNames.includes(m as MethodName));
  const watch = await TrainingWatch.create(model, {
    validation,
    watch: {
      pictures: await firstOfEach(validation, o.watch),
      ...(methods.length > 0 && { methods }),
      units: o['watch-units'],
      unitSteps: o['watch-steps'],
      every: o['watch-every'],
    },
    ...(log && { log }),
    histograms: o.histograms,
    hyperparameters: {
      optimizer: o.optimizer?.name ?? 'sgd',
      lr: o.lr,
      batch: o.batch,
      unfrozen: o.unfreeze.join(' ') || 'head',
    },
    signal: c.signal,
  });
  return {
    hear: (event: FitEvent) => watch.hear(event),
    async finish(): Promise<void> {
      await watch.finish();
      await log?.close();
    },
    async write(page: string | undefined): Promise<void> {
      for (const warning of watch.story.warnings) c.note(`warning: ${warning}`);
      if (o.logdir !== undefined)
        c.print(`${o.logdir}: event files written; see them with: tensorboard --logdir ${o.logdir}`);
      if (page === undefined) return;
      const files =
        o.logdir === undefined
          ? []
          : [{ path: relative(dirname(page), o.logdir), what: 'event files for TensorBoard' }];
      await writeWhole(page, await trainingPage(watch.story, { files }));
      c.print(`${page} written`);
    },
  };
}

async function firstOfEach(data: Dataset, count: number): Promise<WatchedPicture[]> {
  const found: WatchedPicture[] = [];
  const seen = new Map<number, number>();
  for (let i = 0; i < data.length && found.length < count * data.classes.length; i++) {
    const { input, label, name: file } = await data.get(i);
    const index = mainClass(label, data.classes, file ?? `picture ${i}`);
    const so = seen.get(index) ?? 0;
    if (so >= count) continue;
    seen.set(index, so + 1);
    found.push({
      input,
      label: index,
      name: `${data.classes[index]} ${so + 1}${file ? ` (${file.split(/[\\/]/).at(-1)})` : ''}`,
    });
  }
  return found;
}
