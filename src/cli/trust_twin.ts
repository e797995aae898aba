/** The network of random labels that `wgrad trust --sanity data` compares with: given, trained before, or trained now. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { shapesDataset } from '../data/dataset.ts';
import { learnRandomLabels } from '../data/random_labels.ts';
import { WgradError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { cacheFolder } from '../node/cache.ts';
import { importOnnxFile } from '../node/onnx.ts';
import { readWhole } from '../node/read.ts';
import { writeWhole } from '../node/write.ts';
import type { Context } from './command.ts';
import { embeddedModel, modelOf } from './model.ts';

/** So few that a small network knows them by heart in a minute or two. */
const PICTURES = 64;

/**
 * @param model the embedded one, where no file is given: only the generated pictures can be learnt here.
 * @param file of a network that was trained elsewhere.
 */
export async function twinOf(c: Context, model: Model, isEmbedded: boolean, file: string | undefined, seed: number) {
  const open = async (path: string) => modelOf(c, await importOnnxFile(path, { signal: c.signal }));
  if (file !== undefined) return open(file);
  if (!isEmbedded) {
    throw new WgradError('usage', 'trust: --sanity data needs --twin FILE: your architecture, trained on random labels', {
      remedy: 'Train it on your pictures in folders that they were put into at random, or leave the model out',
    }); // prettier-ignore
  }
  const of = createHash('sha256').update(await readWhole(embeddedModel, { what: 'model' })).digest('hex').slice(0, 12); // prettier-ignore
  const cached = join(cacheFolder(), `random-labels-${of}-${seed}.onnx`);
  if (existsSync(cached)) {
    c.note(`the network of random labels of an earlier run: ${cached}`);
    return open(cached);
  }
  const twin = await open(embeddedModel);
  const known = await learnRandomLabels(twin, shapesDataset(`random labels ${seed}`, PICTURES, model.preprocess!), {
    seed,
    signal: c.signal,
    onProgress: ({ epoch, epochs }) => c.progress('learning random labels', epoch, epochs),
  });
  c.note(`knows ${Math.round(100 * known)} % of ${PICTURES} random labels by heart; kept as ${cached}`);
  await writeWhole(cached, await twin.saveOnnx());
  return twin;
}
