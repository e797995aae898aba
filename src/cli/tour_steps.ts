/** What the steps of the tour work with, and what each leaves for the page. */
import { join } from 'node:path';
import type { Image } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import type { Model } from '../model/model.ts';
import { writeWhole } from '../node/write.ts';
import type { Section } from '../report/index.ts';
import type { Context } from './command.ts';
import { fileName } from './names.ts';
import type { TourData } from './tour_data.ts';

export interface Tour {
  c: Context;
  model: Model;
  data: TourData;
  /** Photographs are larger than the embedded model's pictures, and get fewer passes. */
  isPhotos: boolean;
  files: TourFiles;
}

export interface Fact {
  value: string;
  label: string;
}

/** A part of the tour. What it has done so far is a section of the page at any time, also when it was interrupted. */
export interface TourStep {
  name: string;
  run(): Promise<void>;
  /** Undefined while there is nothing to show. */
  section(): Promise<Section | undefined>;
  /** Numbers for the head of the page. */
  facts(): Fact[];
}

/** The folder that is written to, and what was written. */
export class TourFiles {
  readonly list: { path: string; what: string }[] = [];

  constructor(readonly folder: string) {}

  async write(path: string, bytes: Uint8Array | string, what: string): Promise<void> {
    await writeWhole(join(this.folder, path), bytes);
    this.list.push({ path, what });
  }

  /** @returns the PNG. */
  async picture(name: string, image: Image, what: string): Promise<Uint8Array> {
    const png = await encodePng(image);
    await this.write(`${fileName(name)}.png`, png, what);
    return png;
  }
}
