/** `wgrad finetune --images DIR`: trains the chosen parameters on pictures sorted in folders by class. */
import type { HeadChange } from '../model/head.ts';
import { classFolders, folderDataset } from '../node/folder_dataset.ts';
import { skippedLine } from '../node/pictures.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, choice, count, finite, name, required, whole } from '../options.ts';
import type { EpochEvent, StartEvent } from '../train/events.ts';
import { fit } from '../train/fit.ts';
import { defineCommand } from './command.ts';
import { list, outFile, shownAs } from './kinds.ts';
import { modelOptions, networkOf, pictureModelOf, specOf } from './model.ts';
import { pictureOptions } from './pictures.ts';
import { fitFrom, scheduleFrom, trainOptions } from './train_options.ts';
import { watchOf, watchOptions } from './watch_options.ts';

const isSameSet = (a: readonly string[], b: readonly string[] | undefined): boolean =>
  b !== undefined && a.length === b.length && a.every((name) => b.includes(name));

/** What became of the classifier's trained rows, with the names of a few classes. */
function headLine({ layer, kept, fresh, dropped }: HeadChange): string {
  const named = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${what} ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`]; // prettier-ignore
  const parts = [...named('keeps', kept), ...named('starts afresh for', fresh), ...named('forgets', dropped)];
  return `the head ${layer} ${parts.join('; ')}`;
}

/** What the training leaves out, and what it keeps. */
function startLines({ left, cache }: StartEvent): string[] {
  const lines: string[] = [];
  if (left > 0) lines.push(`each epoch leaves out ${left} pictures, others each time: BatchNorm needs whole batches`);
  if (cache) {
    const { values, bytes, pictures, room } = cache;
    const size = ((bytes * Math.min(room, pictures)) / 1e6).toPrecision(3);
    lines.push(`frozen up to ${values.join(', ')}, whose values are kept for ${room} of ${pictures} pictures (${size} MB)`); // prettier-ignore
  }
  return lines;
}

/** What an epoch costs once the frozen part's work is kept. */
function gainLine(first: EpochEvent, second: EpochEvent): string | undefined {
  if (second.computed === undefined || second.computed >= first.computed!) return undefined;
  const share = ((100 * second.seconds) / first.seconds).toPrecision(2);
  return `epoch 2 took ${second.seconds.toFixed(1)} s, ${share} % of epoch 1 (${first.seconds.toFixed(1)} s): the frozen part ran for ${second.computed} pictures`; // prettier-ignore
}

export const finetuneCommand = defineCommand({
  summary: 'train chosen layers on your own classes, and write the model as ONNX',
  usage: '--images DIR [--model FILE.onnx] [--unfreeze GLOB[,GLOB...]] [--out tuned.onnx]',
  arity: [0, 0],
  options: {
    ...modelOptions,
    ...pictureOptions,
    images: required(shownAs('DIR', name('DIR/CLASS/*.jpg, or DIR/train and DIR/val of that form'))),
    head: shownAs('LAYER', name('the classifier that is replaced (default: the one that makes the class scores)')),
    unfreeze: list(shownAs('GLOB', name('what is trained (default: the head)'))),
    bn: choice(['eval', 'train', 'auto'], 'eval', 'statistics that BatchNorm uses'),
    ...trainOptions,
    epochs: atMost(1_000_000, count(5, 'passes over the training pictures')),
    batch: atMost(65_536, count(8, 'pictures a step')),
    limit: whole(0, 'at most so many pictures a class; 0: all'),
    seed: finite(0, 'of the order and the new head'),
    out: outFile('out/tuned.onnx', 'the tuned model'),
    report: outFile(undefined, 'a page: curves, confusion, worst mistakes, what moved'),
    ...watchOptions,
  },
  async run(c, o) {
    const { out, seed } = o;
    scheduleFrom(o);
    // What is wrong with the folder is said before the model and the adapter take their time.
    const folders = await classFolders(o.images);
    const model = await pictureModelOf(c, await networkOf(c, o));
    const [, height, width] = model.pictureShape;
    const { train, validation, skipped } = await folderDataset(
      o.images,
      specOf(model),
      { width, height },
      {
        seed,
        maxPixels: o['max-pixels'],
        signal: c.signal,
        onProgress: (done, total) => c.progress('pictures', done, total),
        ...(o.limit > 0 && { limit: o.limit }),
        // The model's own classes keep the order of its scores, and the head stays as it is.
        ...(isSameSet(folders, model.labels) && { classes: model.labels! }),
      },
    );
    const line = skippedLine(skipped);
    if (line) c.note(line);
    const head = await model.adaptHead(train.classes, { seed, ...(o.head !== undefined && { layer: o.head }) });
    c.note(headLine(head));
    model
      .freeze()
      .unfreeze(...(o.unfreeze.length > 0 ? o.unfreeze : [head.layer]))
      .batchNorm(o.bn);
    c.note(`${train.length} training and ${validation.length} held-out pictures of ${train.classes.length} classes`);
    const epochs: object[] = [];
    const watch = await watchOf(c, model, validation, o, o.report !== undefined);
    const run = fit(model, train, {
      ...(await fitFrom(model, o)),
      epochs: o.epochs,
      batchSize: o.batch,
      seed,
      validation,
      signal: c.signal,
    });
    const save = async () => writeWhole(out, await model.saveOnnx());
    let first: EpochEvent | undefined;
    const trainAll = async () => {
      for await (const event of run) {
        await watch?.hear(event);
        if (event.type === 'step') {
          c.progress(`epoch ${event.epoch} loss ${event.loss.toFixed(3)}`, event.step, event.steps);
          continue;
        }
        if (event.type === 'start') {
          for (const line of startLines(event)) c.note(line);
          continue;
        }
        if (event.epoch === 1) first = event;
        const gain = event.epoch === 2 && gainLine(first!, event);
        if (gain) c.note(gain);
        const { epoch, loss, accuracy, validation: held } = event;
        c.print(`epoch ${epoch}: loss ${loss.toFixed(3)}, held-out accuracy ${(100 * held!.accuracy).toFixed(1)} %`);
        epochs.push({ epoch, loss, accuracy, heldOutLoss: held!.loss, heldOutAccuracy: held!.accuracy });
        await save();
      }
    };
    await c.hold(async () => {
      try {
        await trainAll();
        await watch?.finish();
      } catch (error) {
        // After Ctrl-C the parameters are those of the last whole step. After a fault the file stays that of the last
        // good epoch.
        if (c.signal.aborted) {
          c.note(`interrupted: writing ${out}; Ctrl-C again to leave it as it is`);
          await save();
          c.print(`${out} written, as of the last whole step`);
        }
        throw error;
      }
    });
    c.print(`${out} written`);
    await watch?.write(o.report);
    c.result({ out, epochs, skipped });
  },
});
