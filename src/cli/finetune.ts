/** `wgrad finetune --images DIR`: trains the chosen parameters on pictures sorted in folders by class. */
import { WgradError } from '../errors.ts';
import type { HeadChange } from '../model/head.ts';
import type { Model } from '../model/model.ts';
import { requireScores } from '../model/roles.ts';
import { packageVersion } from '../node/package.ts';
import { readWhole } from '../node/read.ts';
import { writeWhole } from '../node/write.ts';
import { atMost, choice, count, finite, name, required, whole } from '../options.ts';
import type { FitEvent } from '../train/events.ts';
import type { Dataset } from '../train/dataset.ts';
import { findLr } from '../train/find_lr.ts';
import { fit, type FitOptions, type Unfreezing } from '../train/fit.ts';
import { ratePlot } from '../watch/index.ts';
import { augmentFrom, augmentOptions } from './augment_options.ts';
import { defineCommand, type Context } from './command.ts';
import { follow } from './finetune_run.ts';
import { list, onSwitch, outFile, shownAs } from './kinds.ts';
import { labelledPictures } from './labelled.ts';
import { modelOptions, networkOf, pictureModelOf } from './model.ts';
import { pictureOptions } from './pictures.ts';
import { fitFrom, scheduleFrom, trainOptions } from './train_options.ts';
import { watchOf, watchOptions } from './watch_options.ts';

/** What became of the classifier's trained rows, with the names of a few classes. */
function headLine({ layer, kept, fresh, dropped }: HeadChange): string {
  const named = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${what} ${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`]; // prettier-ignore
  const parts = [...named('keeps', kept), ...named('starts afresh for', fresh), ...named('forgets', dropped)];
  return `the head ${layer} ${parts.join('; ')}`;
}

export const finetuneCommand = defineCommand({
  summary: 'train chosen layers on your own classes, and write the model as ONNX',
  usage: '--images DIR [--model FILE.onnx] [--unfreeze GLOB[,GLOB...]] [--out tuned.onnx]',
  arity: [0, 0],
  options: {
    ...modelOptions,
    ...pictureOptions,
    images: required(
      shownAs('DIR', name('DIR/CLASS/*.jpg, or DIR/train and DIR/val of that form; or a list, FILE.csv or FILE.json')),
    ),
    head: shownAs('LAYER', name('the classifier that is replaced (default: the one that makes the class scores)')),
    'fresh-head': onSwitch('forgets what the head knows of classes of the same name'),
    unfreeze: list(shownAs('GLOB', name('what is trained (default: the head)'))),
    'unfreeze-at': list(shownAs('EPOCH:GLOB', name('what is trained too from the beginning of that epoch on'))),
    bn: choice(['eval', 'train', 'auto'], 'eval', 'statistics that BatchNorm uses'),
    ...trainOptions,
    ...augmentOptions,
    epochs: atMost(1_000_000, count(5, 'passes over the training pictures')),
    batch: atMost(65_536, count(8, 'pictures a step')),
    limit: whole(0, 'at most so many pictures a class; 0: all'),
    seed: finite(0, 'of the order and the new head'),
    keep: choice(['last', 'best'], 'last', 'the parameters that are written at the end; best: of the best epoch'),
    patience: count(undefined, 'epochs without a better one that end the training'),
    checkpoint: outFile(undefined, 'where the training can be taken up again (default: OUT.checkpoint)'),
    'checkpoint-steps': count(undefined, 'steps after which one is written too, beside the end of every epoch'),
    'find-lr': onSwitch(
      'only tries learning rates, from 1e-6 to 1: prints and plots (OUT.lr.svg) the losses, and suggests one',
    ),
    resume: onSwitch('goes on from the checkpoint, to the same result as without a break'),
    out: outFile('out/tuned.onnx', 'the tuned model'),
    'fold-batch-norm': onSwitch('writes one convolution in the place of each and the BatchNorm behind it'),
    weights: choice(['float32', 'float16'], 'float32', 'in which they are written; float16: half the file'),
    report: outFile(undefined, 'a page: curves, confusion, worst mistakes, what moved'),
    ...watchOptions,
  },
  async run(c, o) {
    const { out, seed } = o;
    scheduleFrom(o);
    // What is wrong with the pictures is said before the model and the adapter take their time.
    const labelled = await labelledPictures(c, o.images, true);
    const scores = labelled.several ? ('multi-label' as const) : undefined;
    const model = await pictureModelOf(c, await networkOf(c, { ...o, scores }));
    const [, height, width] = model.pictureShape;
    const { train, validation, skipped } = await labelled.training(model, o);
    const layer = await fitHead(c, model, train.classes, o);
    model
      .freeze()
      .unfreeze(...(o.unfreeze.length > 0 ? o.unfreeze : [layer]))
      .batchNorm(o.bn);
    c.note(`${train.length} training and ${validation.length} held-out pictures of ${train.classes.length} classes`);
    if (o['find-lr']) {
      const own = { ...(await fitFrom(model, o)), ...augmentFrom(o, [height, width]), batchSize: o.batch, seed };
      return tryRates(c, model, train, `${out.replace(/\.onnx$/i, '')}.lr.svg`, own);
    }
    const watch = await watchOf(c, model, validation, o, o.report !== undefined);
    const checkpoint = o.checkpoint ?? `${out}.checkpoint`;
    const run = fit(model, train, {
      ...(await fitFrom(model, o)),
      ...augmentFrom(o, [height, width]),
      epochs: o.epochs,
      batchSize: o.batch,
      ...{ seed, validation, keep: o.keep, patience: o.patience, signal: c.signal },
      unfreeze: laterFrom(o['unfreeze-at']),
      checkpoint: {
        write: (bytes) => writeWhole(checkpoint, bytes),
        ...(o['checkpoint-steps'] !== undefined && { everySteps: o['checkpoint-steps'] }),
      },
      ...(o.resume && { resume: await readWhole(checkpoint) }),
    });
    const epochs = await follow(c, watched(run, watch), {
      ...{ out, model, checkpoint, foldBatchNorm: o['fold-batch-norm'], weights: o.weights },
      settings: {
        ...{
          by: `wgrad ${packageVersion()}`,
          epochs: o.epochs,
          batch: o.batch,
          seed,
          optimizer: o.optimizer!.name,
          lr: o.lr,
        },
        ...{ unfrozen: o.unfreeze.length > 0 ? o.unfreeze : [layer], classes: train.classes.length },
      },
    });
    c.print(`${out} written`);
    await watch?.write(o.report);
    c.result({ out, checkpoint, epochs, skipped });
  },
});

/** The same events, after `watch` has heard them. */
async function* watched(run: AsyncIterable<FitEvent>, watch: Awaited<ReturnType<typeof watchOf>>) {
  for await (const event of run) {
    await watch?.hear(event);
    yield event;
  }
  await watch?.finish();
}

/** `--find-lr`. */
async function tryRates(c: Context, model: Model, data: Dataset, plot: string, options: Omit<FitOptions, 'epochs'>) {
  const { curve, suggestion } = await findLr(model, data, { ...options, signal: c.signal });
  for (const { lr, loss, smoothed } of curve) c.print(`${lr.toExponential(2)}  loss ${loss.toFixed(4)}, smoothed ${smoothed.toFixed(4)}`); // prettier-ignore
  c.print(suggestion === undefined ? 'the loss never falls' : `it falls fastest at ${suggestion.toExponential(1)}`);
  await writeWhole(plot, ratePlot({ curve, suggestion }));
  c.print(`${plot} written`);
  c.result({ curve, suggestion, plot });
}

/** Makes the head fit the classes. @returns its name. */
async function fitHead(
  c: Context,
  model: Model,
  classes: readonly string[],
  o: { head?: string | undefined; seed: number; 'fresh-head': boolean },
): Promise<string> {
  const layer = o.head ?? requireScores(model.roles).head;
  if (o['fresh-head'] && layer !== undefined) {
    model.replaceHead(layer, { classes, seed: o.seed });
    c.note(`the head ${layer} starts afresh for ${classes.length} classes`);
    return layer;
  }
  const change = await model.adaptHead(classes, { seed: o.seed, ...(layer !== undefined && { layer }) });
  c.note(headLine(change));
  return change.layer;
}

/** @throws WgradError 'usage'. */
const laterFrom = (list: readonly string[]): Unfreezing[] =>
  list.map((text) => {
    const [, epoch, match] = /^(\d+):(.+)$/.exec(text) ?? [];
    if (!match || Number(epoch) < 1) throw new WgradError('usage', `--unfreeze-at ${text} is not EPOCH:GLOB`);
    return { epoch: Number(epoch), match };
  });
