/** `wgrad finetune --images DIR`: trains the chosen parameters on pictures sorted in folders by class. */
import { WgradError } from '../errors.ts';
import { folderDataset } from '../node/folder_dataset.ts';
import { prepareFile, writeWhole } from '../node/write.ts';
import { fit } from '../train/fit.ts';
import { adam, adamw, sgd, type Optimizer } from '../train/optimizers.ts';
import type { Command } from './command.ts';
import { modelOf, modelOption, specOf } from './model.ts';

const optimizers: Record<string, (lr: number, weightDecay: number) => Optimizer> = {
  sgd: (lr, weightDecay) => sgd({ lr, momentum: 0.9, weightDecay }),
  adam: (lr, weightDecay) => adam({ lr, weightDecay }),
  adamw: (lr, weightDecay) => adamw({ lr, weightDecay }),
};

export const finetuneCommand: Command = {
  summary: 'train chosen layers on your own classes, and write the model as ONNX',
  usage: '--images DIR [--model FILE.onnx] [--unfreeze GLOB[,GLOB...]] [--out tuned.onnx]',
  options: {
    ...modelOption,
    images: { type: 'string', value: 'DIR', help: 'DIR/CLASS/*.jpg, or DIR/train and DIR/val of that form' },
    head: { type: 'string', value: 'LAYER', help: 'the classifier that is replaced', default: 'fc' },
    unfreeze: { type: 'string', multiple: true, value: 'GLOBS', help: 'what is trained (default: the head)' },
    bn: { type: 'string', value: 'MODE', help: 'eval, train or auto: statistics that BatchNorm uses', default: 'eval' },
    optimizer: { type: 'string', value: 'NAME', help: 'sgd, adam or adamw', default: 'sgd' },
    lr: { type: 'string', value: 'RATE', help: 'learning rate', default: '0.01' },
    'weight-decay': { type: 'string', value: 'W', help: 'weight decay', default: '0' },
    epochs: { type: 'string', value: 'N', help: 'passes over the training pictures', default: '5' },
    batch: { type: 'string', value: 'N', help: 'pictures a step', default: '8' },
    limit: { type: 'string', value: 'N', help: 'at most so many pictures a class (0: all)', default: '0' },
    seed: { type: 'string', value: 'N', help: 'of the order and the new head', default: '0' },
    out: { type: 'string', value: 'FILE.onnx', help: 'the tuned model', default: 'out/tuned.onnx' },
  },
  async run(c) {
    const folder = c.text('images');
    if (!folder) throw new WgradError('usage', 'finetune: --images DIR is needed');
    const optimizer = optimizers[c.text('optimizer')!];
    if (!optimizer) throw new WgradError('usage', `--optimizer is none of ${Object.keys(optimizers).join(', ')}`);
    const mode = c.text('bn');
    if (mode !== 'eval' && mode !== 'train' && mode !== 'auto')
      throw new WgradError('usage', `--bn ${mode} is unknown`);
    const out = c.text('out')!;
    await prepareFile(out);
    const model = await modelOf(c);
    const [, height, width] = model.pictureShape;
    const limit = c.number('limit');
    const { train, validation } = await folderDataset(
      folder,
      specOf(model),
      { width, height },
      {
        seed: c.number('seed'),
        ...(limit > 0 && { limit }),
      },
    );
    const head = c.text('head')!;
    const unfrozen = c.texts('unfreeze');
    const same = model.labels?.length === train.classes.length && model.labels.every((l, i) => l === train.classes[i]);
    if (!same) model.replaceHead(head, { classes: train.classes, seed: c.number('seed') });
    model
      .freeze()
      .unfreeze(...(unfrozen.length > 0 ? unfrozen : [head]))
      .batchNorm(mode);
    c.log(`${train.length} training and ${validation.length} held-out pictures of ${train.classes.length} classes`);
    const epochs = [];
    const run = fit(model, train, {
      optimizer: optimizer(c.number('lr'), c.number('weight-decay')),
      epochs: c.number('epochs'),
      batchSize: c.number('batch'),
      schedule: 'cosine',
      seed: c.number('seed'),
      validation,
      signal: c.signal,
    });
    try {
      for await (const event of run) {
        if (event.type === 'step') {
          c.progress(`epoch ${event.epoch} loss ${event.loss.toFixed(3)}`, event.step, event.steps);
          continue;
        }
        const { epoch, loss, accuracy, validation: held } = event;
        c.log(`epoch ${epoch}: loss ${loss.toFixed(3)}, held-out accuracy ${(100 * held!.accuracy).toFixed(1)} %`);
        epochs.push({ epoch, loss, accuracy, heldOutLoss: held!.loss, heldOutAccuracy: held!.accuracy });
        await writeWhole(out, await model.saveOnnx());
      }
    } catch (error) {
      // After Ctrl-C the parameters are those of the last whole step. After a fault the file stays that of the last
      // good epoch.
      if (c.signal.aborted) {
        await writeWhole(out, await model.saveOnnx());
        c.log(`${out} written, as of the last whole step`);
      }
      throw error;
    }
    c.log(`${out} written`);
    c.result({ out, epochs });
  },
};
