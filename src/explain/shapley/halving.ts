/**
 * Owen values on a tree of halves: a box of the picture shares its worth among its two halves as two players of a game
 * would, in the contexts that its ancestors left, and so on downwards. The box with the most at stake is halved next.
 * (Owen 1977; as shap's PartitionExplainer, but a pixel's channels stay together.)
 */

/** Pixels of rows top..bottom-1 and columns left..right-1. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

interface Part extends Box {
  /** Of a part that was not halved: its label in {@link HalvingTree.labels}. */
  cell: number;
  halves?: readonly [Part, Part];
  /** What stays with the box, for each output. */
  credit: Float64Array;
}

const area = ({ top, left, bottom, right }: Box) => (bottom - top) * (right - left);

/** The picture as boxes that are halved along their longer side, rows first, where it is asked for. */
export class HalvingTree {
  /** The smallest box so far that each pixel lies in, [H*W], numbered from 0. */
  readonly labels: Int32Array;
  readonly root: Part;
  cells = 1;

  constructor(
    height: number,
    private readonly width: number,
    private readonly outputs: number,
  ) {
    this.labels = new Int32Array(height * width);
    this.root = this.part({ top: 0, left: 0, bottom: height, right: width }, 0);
  }

  /** @returns undefined where the box is a pixel. */
  halve(part: Part): readonly [Part, Part] | undefined {
    const [rows, columns] = [part.bottom - part.top, part.right - part.left];
    if (part.halves ?? rows * columns === 1) return part.halves;
    const row = part.top + Math.floor(rows / 2);
    const column = part.left + Math.floor(columns / 2);
    const byRows = rows >= columns && rows > 1;
    const first = this.part({ ...part, ...(byRows ? { bottom: row } : { right: column }) }, part.cell);
    const second = this.part({ ...part, ...(byRows ? { top: row } : { left: column }) }, this.cells++);
    for (let y = second.top; y < second.bottom; y++) {
      this.labels.fill(second.cell, y * this.width + second.left, y * this.width + second.right);
    }
    return (part.halves = [first, second]);
  }

  /** Labels of all pixels of a box. */
  cellsOf(part: Part): number[] {
    return part.halves ? part.halves.flatMap((half) => this.cellsOf(half)) : [part.cell];
  }

  /**
   * Every box's credit spread over its pixels: a map [H*W] for each output.
   * @param unsettled boxes whose credit is not theirs yet.
   */
  maps(unsettled: readonly Open[] = []): Float64Array[] {
    const maps = Array.from({ length: this.outputs }, () => new Float64Array(this.labels.length));
    const spread = (part: Part, credit: number, map: Float64Array) => {
      if (credit === 0) return;
      const each = credit / area(part);
      for (let y = part.top; y < part.bottom; y++) {
        for (let i = y * this.width + part.left; i < y * this.width + part.right; i++) map[i]! += each;
      }
    };
    const visit = (part: Part): void => {
      maps.forEach((map, k) => spread(part, part.credit[k]!, map));
      part.halves?.forEach(visit);
    };
    visit(this.root);
    for (const open of unsettled) maps.forEach((map, k) => spread(open.part, worth(open, k), map));
    return maps;
  }

  private part({ top, left, bottom, right }: Box, cell: number): Part {
    return { top, left, bottom, right, cell, credit: new Float64Array(this.outputs) };
  }
}

/** A box in a context: what else shows, and the scores without and with the box. */
interface Open {
  part: Part;
  shown: readonly Part[];
  without: Float64Array;
  with: Float64Array;
  weight: number;
  /** The largest change of a score that is at stake. */
  stake: number;
}

export interface OwenRequest {
  tree: HalvingTree;
  /** Scores with nothing and with all of the picture, one for each output. */
  nothing: Float64Array;
  all: Float64Array;
  /** Masks to evaluate at most, two for each halving. */
  budget: number;
  /** Masks to collect before they are evaluated: the more, the less their choice knows. */
  batch: number;
  /** The other half: hidden (0), showing (1), or both, averaged. */
  context: 0 | 1 | 'both';
  /** Scores of pictures that show these boxes and no more. */
  evaluate: (masks: readonly (readonly Part[])[]) => Promise<Float64Array[]>;
  /** After every batch, with the boxes that wait. */
  onBatch?: (waiting: readonly Open[]) => void;
}

/** Fills in the credits of the tree's boxes. */
export async function owenValues({
  tree,
  nothing,
  all,
  budget,
  batch,
  context,
  evaluate,
  onBatch,
}: OwenRequest): Promise<void> {
  const queue = new StakeQueue();
  queue.add({ part: tree.root, shown: [], without: nothing, with: all, weight: 1, stake: 0 });
  const settle = (open: Open) => open.part.credit.forEach((_, k) => (open.part.credit[k]! += worth(open, k)));
  let spent = 0;
  while (queue.length > 0 && spent + 2 <= budget) {
    const work: { open: Open; halves: readonly [Part, Part] }[] = [];
    while (queue.length > 0 && 2 * work.length < batch && spent + 2 * work.length + 2 <= budget) {
      const open = queue.take();
      const halves = tree.halve(open.part);
      if (halves) work.push({ open, halves });
      else settle(open);
    }
    if (work.length === 0) break;
    const scores = await evaluate(work.flatMap(({ open, halves }) => halves.map((half) => [...open.shown, half])));
    spent += 2 * work.length;
    work.forEach(({ open, halves: [a, b] }, i) => {
      const [withA, withB] = [scores[2 * i]!, scores[2 * i + 1]!];
      const { shown, without, with: both } = open;
      const weight = context === 'both' ? open.weight / 2 : open.weight;
      const next = (part: Part, others: readonly Part[], low: Float64Array, high: Float64Array) =>
        queue.add({ part, shown: others, without: low, with: high, weight, stake: weight * largestChange(low, high) });
      if (context !== 'both') {
        // What the halves do together stays with the box.
        const factor = context === 0 ? weight : -weight;
        both.forEach((v, k) => (open.part.credit[k]! += factor * (v - withA[k]! - withB[k]! + without[k]!)));
      }
      if (context !== 1) {
        next(a, shown, without, withA);
        next(b, shown, without, withB);
      }
      if (context !== 0) {
        next(a, [...shown, b], withB, both);
        next(b, [...shown, a], withA, both);
      }
    });
    onBatch?.(queue.items);
  }
  for (const open of queue.items) settle(open);
}

/** What the box adds in its context, by the context's weight. */
const worth = (open: Open, k: number) => open.weight * (open.with[k]! - open.without[k]!);

const largestChange = (low: Float64Array, high: Float64Array) =>
  low.reduce((m, v, k) => Math.max(m, Math.abs(high[k]! - v)), 0);

/** The largest stake first; of equal ones the earlier. */
class StakeQueue {
  /** By rising stake. */
  readonly items: Open[] = [];

  get length(): number {
    return this.items.length;
  }

  add(open: Open): void {
    let [low, high] = [0, this.items.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle]!.stake < open.stake) low = middle + 1;
      else high = middle;
    }
    this.items.splice(low, 0, open);
  }

  take(): Open {
    return this.items.pop()!;
  }
}
