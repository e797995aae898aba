/** Pictures of the command line: files, and folders with what is below them. A broken one does not stop the others. */
import { WgradError } from '../errors.ts';
import type { Image } from '../image/image.ts';
import { preprocess } from '../image/preprocess.ts';
import type { Model } from '../model/model.ts';
import { decodeDefaults, decodeImage } from '../node/image.ts';
import { isFolder, listPictures, skippedLine, type Skipped } from '../node/pictures.ts';
import { count } from '../options.ts';
import type { Context } from './command.ts';
import { imageOf, preprocessOf } from '../model/image_space.ts';

export const pictureOptions = {
  'max-pixels': count(decodeDefaults.maxPixels, 'pictures of more pixels are refused before they are unpacked'),
};

export interface Picture {
  path: string;
  /** [C,H,W] in input space. */
  input: Float32Array;
  /** What the network sees, as RGB. */
  image: Image;
}

/** What became of a picture that could not be read, for the JSON document. */
export interface Failure {
  path: string;
  error: { code: string; message: string };
}

export class Pictures {
  private readonly failed = new Map<string, WgradError>();

  private constructor(
    /** In the order of the arguments; those in a folder by name. */
    readonly paths: readonly string[],
    private readonly skipped: readonly Skipped[],
    private readonly maxPixels: number,
  ) {}

  /**
   * @throws WgradError 'usage' where no argument is left for pictures; 'dataset-empty' where there is no picture in the
   *   folders.
   */
  static async find(
    c: Context,
    options: { 'max-pixels': number },
    places: readonly string[] = c.positionals,
  ): Promise<Pictures> {
    if (places.length === 0) throw new WgradError('usage', 'too few arguments: a picture or a folder is needed');
    const paths: string[] = [];
    const skipped: Skipped[] = [];
    for (const argument of places) {
      c.signal.throwIfAborted();
      if (!(await isFolder(argument))) paths.push(argument);
      else {
        const listing = await listPictures(argument, true);
        paths.push(...listing.pictures);
        skipped.push(...listing.skipped);
      }
    }
    if (paths.length === 0) {
      const line = skippedLine(skipped);
      const where = places.join(', ');
      throw new WgradError('dataset-empty', `there is no picture in ${where}${line ? `: ${line}` : ''}`);
    }
    return new Pictures(paths, skipped, options['max-pixels']);
  }

  /**
   * Calls `use` with each picture that can be read, and its place in `paths`.
   * @throws the picture's own error where there is one picture only.
   */
  async each(c: Context, model: Model, use: (picture: Picture, index: number) => Promise<void>): Promise<void> {
    const [, height, width] = model.pictureShape;
    for (const [i, path] of this.paths.entries()) {
      if (this.failed.has(path)) continue;
      c.signal.throwIfAborted();
      try {
        const image = await decodeImage(path, { maxPixels: this.maxPixels });
        const input = preprocess(image, preprocessOf(model), { width, height });
        await use({ path, input, image: imageOf(model, input) }, i);
      } catch (error) {
        const ofPicture = error instanceof WgradError && ['file-missing', 'image-decode'].includes(error.code);
        if (!ofPicture || this.paths.length === 1) throw error;
        this.failed.set(path, error);
        c.note(error.message);
      }
    }
  }

  /** For the JSON document, beside the results. */
  failures(): Failure[] {
    return [...this.failed].map(([path, { code, message }]) => ({ path, error: { code, message } }));
  }

  /** Names what was left out. @throws WgradError 'image-decode' counting and naming the pictures that failed. */
  finish(c: Context): void {
    const line = skippedLine(this.skipped);
    if (line) c.note(line);
    if (this.failed.size === 0) return;
    const names = [...this.failed.keys()];
    const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? ', ...' : '');
    throw new WgradError(
      'image-decode',
      `${names.length} of ${this.paths.length} pictures could not be read: ${shown}; the others were done`,
    );
  }
}
