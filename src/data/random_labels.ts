/**
 * A network that learnt nothing about its classes: the same architecture, its weights drawn anew and trained on labels
 * drawn at random, until it knows them by heart. What a map of it still shows of an object is not the network's reason.
 * (The data randomisation test of Adebayo et al. 2018, arXiv:1810.03292.)
 */
import type { Model } from '../model/model.ts';
import { abortSignal, callback, count, fraction, positive, readOptions, whole, type OptionsOf } from '../options.ts';
import { Random } from '../random.ts';
import type { Dataset } from '../train/dataset.ts';
import { fit } from '../train/fit.ts';
import { adamw } from '../train/optimizers.ts';

/** The pictures of `data`, each with a label drawn at random: the same one each time for one seed. */
export function randomLabels(data: Dataset, seed: number | string = 0): Dataset {
  const random = new Random(`random labels ${seed}`);
  const labels = Array.from({ length: data.length }, () => random.int(data.classes.length));
  return { ...data, get: async (i) => ({ ...(await data.get(i)), label: labels[i]! }) };
}

const options = {
  enough: fraction(0.95, 'of the labels known by heart: ends the training'),
  epochs: count(60, 'at most'),
  batchSize: count(16, 'pictures in one step'),
  lr: positive(3e-3, 'of AdamW'),
  seed: whole(0, 'of the labels, the fresh weights and the order'),
  signal: abortSignal(),
  onProgress: callback<(progress: { epoch: number; epochs: number; accuracy: number }) => void>('each epoch'),
};

/**
 * Makes the weights of `model` random and trains all of it on random labels; it is left in inference mode.
 * @returns the share of the random labels that it knew in the last epoch.
 */
export async function learnRandomLabels(model: Model, data: Dataset, given: OptionsOf<typeof options> = {}) {
  const { enough, epochs, batchSize, lr, seed, signal, onProgress } = readOptions('learnRandomLabels', options, given);
  const random = new Random(`fresh weights ${seed}`);
  for (const { variable, trainable } of model.network.parameters.values()) {
    if (!trainable || variable.shape.length < 2) continue;
    const values = await model.engine.read(variable, { signal });
    // The size stays that of the trained weights, which suits the layers; what they are is gone.
    const spread = Math.sqrt(values.reduce((n, v) => n + v * v, 0) / values.length);
    const fresh = Float32Array.from(values, () => spread * random.normal());
    await model.engine.write(variable, fresh);
  }
  model.unfreeze().batchNorm('train');
  let accuracy = 0;
  const labelled = randomLabels(data, seed);
  const training = fit(model, labelled, {
    // In inference mode: the statistics of its BatchNorms follow with a delay.
    validation: labelled,
    optimizer: adamw({ lr }),
    epochs,
    batchSize: Math.min(batchSize, data.length),
    seed,
    ...(signal && { signal }),
  });
  for await (const event of training) {
    if (event.type !== 'epoch') continue;
    accuracy = event.validation!.accuracy;
    onProgress?.({ epoch: event.epoch, epochs, accuracy });
    if (accuracy >= enough) break;
  }
  model.freeze().batchNorm('eval');
  return accuracy;
}
