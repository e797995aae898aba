/** A training as `wgrad finetune` shows it: lines and a bar from its events, and the model on disk as it goes. */
import type { Model } from '../model/model.ts';
import type { SaveForm } from '../model/network.ts';
import { writeWhole } from '../node/write.ts';
import type { EpochEvent, FitEvent, StartEvent } from '../train/events.ts';
import type { Context } from './command.ts';

export interface EpochRow {
  epoch: number;
  loss: number;
  accuracy: number;
  heldOutLoss: number;
  heldOutAccuracy: number;
  isBest: boolean;
  seconds: number;
}

/** Where the model goes, in which form, and what made it. */
export interface Outcome extends SaveForm {
  out: string;
  model: Model;
  checkpoint: string;
  /** For the record in the file's metadata. */
  settings: Readonly<Record<string, unknown>>;
}

/** Seconds after which an epoch's end writes the model again; its checkpoint is written each time. */
const PACE = 30;

/** What the training leaves out, and what it keeps. */
function startLines({ left, cache, resumed }: StartEvent): string[] {
  const lines: string[] = [];
  if (resumed) lines.push(`taken up again after ${resumed.step} steps and ${resumed.epoch} whole epochs`);
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

/**
 * Runs the training and keeps `out` written: at the end, after an interruption, and now and then between.
 * @throws what `fit` throws; after a fault the file stays that of a good epoch.
 */
export async function follow(
  c: Context,
  run: AsyncIterable<FitEvent>,
  { out, model, checkpoint, settings, ...form }: Outcome,
): Promise<EpochRow[]> {
  const rows: EpochRow[] = [];
  let [trained, last]: [object, object] = [{}, {}];
  let first: EpochEvent | undefined;
  let written = performance.now();
  const save = async () => {
    // No times: a training that was taken up again writes the same file.
    const training = JSON.stringify({ ...settings, ...trained, ...last });
    await writeWhole(out, await model.saveOnnx({ ...form, metadata: { training } }));
    written = performance.now();
  };
  const show: { [T in FitEvent['type']]: (event: Extract<FitEvent, { type: T }>) => unknown } = {
    start(e) {
      trained = { pictures: e.pictures, parameters: e.trained };
      startLines(e).forEach((line) => c.note(line));
    },
    step: (e) => c.progress(`epoch ${e.epoch} loss ${e.loss.toFixed(3)}`, e.step, e.steps),
    unfreeze: (e) => c.note(`epoch ${e.epoch}: trained too from now on: ${shortList(e.joined)}`),
    checkpoint: () => undefined,
    restore: (e) => c.note(`the device was lost: on from step ${e.step}, ${e.lost} of them again`),
    stop: (e) => c.note(`stopped: ${e.patience} epochs brought nothing better than epoch ${e.best}`),
    async epoch(e) {
      if (e.epoch === 1) first = e;
      const gain = e.epoch === 2 && first && gainLine(first, e);
      if (gain) c.note(gain);
      const held = e.validation!;
      c.print(`epoch ${e.epoch}: loss ${e.loss.toFixed(3)}, held-out accuracy ${(100 * held.accuracy).toFixed(1)} %`);
      const { epoch, loss, accuracy, isBest, seconds } = e;
      last = {
        epoch,
        loss,
        accuracy,
        heldOut: { loss: held.loss, accuracy: held.accuracy, pictures: held.labels.length },
      };
      rows.push({ epoch, loss, accuracy, heldOutLoss: held.loss, heldOutAccuracy: held.accuracy, isBest, seconds });
      if (rows.length === 1 || (performance.now() - written) / 1000 > PACE) await e.averaged(save);
    },
  };
  await c.hold(async () => {
    try {
      for await (const event of run) await show[event.type](event as never);
    } catch (error) {
      // After Ctrl-C the parameters are those of the last whole step.
      if (c.signal.aborted) {
        c.note(`interrupted: writing ${out}; Ctrl-C again to leave it as it is`);
        await save();
        c.print(`${out} written, as of the last whole step`);
        if (rows.length > 0) c.note(`--resume goes on from ${checkpoint}`);
      }
      throw error;
    }
    await save();
  });
  return rows;
}

const shortList = (names: readonly string[]) =>
  names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
