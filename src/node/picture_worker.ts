/** A thread that decodes and crops pictures: the other side is `src/node/picture_workers.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { WgradError } from '../errors.ts';
import { resizeAndCrop } from '../image/preprocess.ts';
import { decodeImage } from './image.ts';
import type { PictureJob, PictureReply, PictureTask } from './picture_workers.ts';

const { spec, size, maxPixels } = workerData as PictureTask;

async function work({ id, path }: PictureJob): Promise<PictureReply> {
  try {
    const whole = await decodeImage(path, maxPixels === undefined ? {} : { maxPixels });
    const { width, height, data } = resizeAndCrop(whole, spec, size);
    // The buffer is moved: it must be this picture's alone.
    return { id, image: { width, height, data: Uint8Array.from(data) } };
  } catch (error) {
    const { message, stack } = error as Error;
    if (!(error instanceof WgradError)) return { id, fault: { message: stack ?? message } };
    const { code, remedy } = error;
    const own = remedy === undefined ? message : message.slice(0, -`. ${remedy}`.length);
    return { id, fault: { message: own, code, ...(remedy !== undefined && { remedy }) } };
  }
}

parentPort!.on('message', (job: PictureJob) => {
  void work(job).then((reply) =>
    parentPort!.postMessage(reply, reply.image ? [reply.image.data.buffer as ArrayBuffer] : []),
  );
});
