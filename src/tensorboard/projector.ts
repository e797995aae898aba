/**
 * The embedding projector's files: tensors.tsv without a header, metadata.tsv (with one if it has several columns), a
 * square sprite of thumbnails, and a block of projector_config.pbtxt. Source: TensorBoard's projector_config.proto.
 */
import { WgradError } from '../errors.ts';
import { blank, paste } from '../image/image.ts';
import { encodePng } from '../image/png.ts';
import { grid, type Picture } from './grid.ts';

/** Options of {@link SummaryWriter.addEmbedding}. */
export interface EmbeddingOptions {
  /** Shown as the name. Default 'default'. */
  tag?: string;
  step?: number;
  /** One label a point; or one row of columns a point, and then `header` names them. */
  metadata?: readonly string[] | readonly (readonly string[])[];
  header?: readonly string[];
  /** One thumbnail a point, all of one size. */
  thumbnails?: readonly Picture[];
}

/** TensorBoard loads no larger sprite. */
const MOST_SPRITE_PIXELS = 8192;
const encoder = new TextEncoder();
/** A tab or line break in a label would begin another cell. */
const cell = (text: string) => text.replace(/[\t\r\n]+/g, ' ');
const table = (rows: readonly (readonly string[])[]) => encoder.encode(rows.map((row) => row.join('\t') + '\n').join('')); // prettier-ignore

/** Files by name, and the block of the configuration that names them, for points [n, width]. */
export async function embedding(points: readonly ArrayLike<number>[], options: EmbeddingOptions) {
  const { tag = 'default', step = 0, metadata, header, thumbnails } = options;
  const rows = metadata?.map((row) => (typeof row === 'string' ? [row] : row).map(cell));
  check(points, rows, options);
  const folder = `${String(step).padStart(5, '0')}/${tag.replace(/[^\w.-]+/g, '_')}`;
  const files = new Map<string, Uint8Array>([
    [`${folder}/tensors.tsv`, table(points.map((point) => Array.from(point, String)))],
  ]);
  const lines = [`tensor_name: ${JSON.stringify(`${tag}:${String(step).padStart(5, '0')}`)}`];
  if (rows) {
    files.set(`${folder}/metadata.tsv`, table(header ? [header.map(cell), ...rows] : rows));
    lines.push(`metadata_path: "${folder}/metadata.tsv"`);
  }
  if (thumbnails?.length) {
    files.set(`${folder}/sprite.png`, await sprite(thumbnails));
    const { width, height } = thumbnails[0]!;
    lines.push(`sprite {\n    image_path: "${folder}/sprite.png"\n    single_image_dim: ${width}\n    single_image_dim: ${height}\n  }`); // prettier-ignore
  }
  lines.push(`tensor_path: "${folder}/tensors.tsv"`);
  return { files, config: `embeddings {\n${lines.map((line) => `  ${line}\n`).join('')}}\n` };
}

/** As many columns as rows: TensorBoard takes the sprite for a square. */
async function sprite(thumbnails: readonly Picture[]): Promise<Uint8Array> {
  const columns = Math.ceil(Math.sqrt(thumbnails.length));
  const sheet = grid(thumbnails, columns);
  const square = blank(columns * thumbnails[0]!.width, columns * thumbnails[0]!.height);
  if (Math.max(square.width, square.height) > MOST_SPRITE_PIXELS)
    throw new WgradError('invalid-argument', `${thumbnails.length} thumbnails make a sprite of ${square.width} x ${square.height} pixels; TensorBoard reads ${MOST_SPRITE_PIXELS}`, { remedy: 'Give smaller thumbnails or fewer points' }); // prettier-ignore
  paste(square, sheet, 0, 0);
  return encodePng(square);
}

function check(points: readonly ArrayLike<number>[], rows: readonly string[][] | undefined, options: EmbeddingOptions) {
  const fault = (message: string) => new WgradError('invalid-argument', `an embedding: ${message}`);
  const width = points[0]?.length ?? 0;
  if (width === 0) throw fault('no points, or points without coordinates');
  points.forEach((point, i) => {
    if (point.length !== width) throw fault(`point ${i} has ${point.length} coordinates, the first has ${width}`);
    const bad = Array.from(point).find((v) => !Number.isFinite(v));
    if (bad !== undefined) throw new WgradError('not-finite', `an embedding: point ${i} has a coordinate of ${bad}`);
  });
  for (const [name, list] of [
    ['rows of metadata', rows],
    ['thumbnails', options.thumbnails],
  ] as const)
    // prettier-ignore
    if (list && list.length !== points.length) throw fault(`${list.length} ${name} for ${points.length} points`);
  const columns = rows?.[0]?.length ?? 1;
  if (rows?.some((row) => row.length !== columns)) throw fault('rows of metadata with different numbers of columns');
  if (columns > 1 !== (options.header !== undefined)) throw fault('several columns of metadata need a header, a single one has none'); // prettier-ignore
  if (options.header && options.header.length !== columns) throw fault(`a header of ${options.header.length} for ${columns} columns`); // prettier-ignore
}
