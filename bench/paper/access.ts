/**
 * How the workgroup tiles touch memory, lane by lane: the index arithmetic of kernels/gemm_workgroup.wgsl and
 * gemm_workgroup_outer.wgsl, in units of vec4f (16 bytes). Counted, not measured.
 */
import type { GemmProblem } from '../../src/gemm/problem.ts';

/** Bytes that memory moves at least: a sector of NVIDIA's, a cache line's half elsewhere. */
const SECTOR = 32;
const VECTOR = 16;

/** Summands in groups of four that a tile of the row kernels takes at once; pixels of the weight gradients'. */
const SLICE = { rows: 4, outer: 16 } as const;

export interface Tile {
  /** Groups of four columns, and of the weight gradient groups of four rows. */
  n4: number;
  m4: number;
}

export const tileOf = (form: GemmProblem['form'], name: string): Tile & { rows: number } => {
  const [rows, groups] = name.split('x').map(Number) as [number, number];
  return form === 'tn' ? { rows: 32 * rows, m4: 8 * rows, n4: 8 * groups } : { rows: 8 * rows, m4: 0, n4: 8 * groups };
};

type Lane = (lane: number) => number;

/** Addresses of one load of a subgroup, by operand. */
export function loadsOf(problem: GemmProblem, tile: Tile): Readonly<Record<'a' | 'b', Lane>> {
  if (problem.form === 'tn') {
    const { pixel4, m4, n4, stride_w } = problem.geometry;
    return {
      a: (l) => Math.floor(l / tile.m4) * stride_w * pixel4 + Math.min(l % tile.m4, m4 - 1),
      b: (l) => Math.floor(l / tile.n4) * n4 + Math.min(l % tile.n4, n4 - 1),
    };
  }
  const { k4, n4, run, step_w, m } = problem.phases[0]!;
  const slice = SLICE.rows;
  const within = (k: number) => Math.min(k, run - 1);
  return {
    a: (l) => Math.min(Math.floor(l / slice), m - 1) * step_w * k4 + within(l % slice),
    b:
      problem.form === 'nt'
        ? (l) => Math.min(Math.floor(l / slice), 4 * n4 - 1) * k4 + within(l % slice)
        : (l) => Math.min(Math.floor(l / tile.n4), 4 * run - 1) * n4 + Math.min(l % tile.n4, n4 - 1),
  };
}

/** Share of the bytes moved that are asked for; 1 is perfectly coalesced. */
export function coalescing(load: Lane, lanes: number): number {
  const addresses = new Set(Array.from({ length: lanes }, (_, l) => load(l)));
  const sectors = new Set([...addresses].map((at) => Math.floor((at * VECTOR) / SECTOR)));
  return (addresses.size * VECTOR) / (sectors.size * SECTOR);
}

/** 32 banks of 4 bytes: eight lanes of 16 bytes are served at once, if they are of eight columns or of one address. */
const AT_ONCE = 8;

/** Times that an access to workgroup memory is repeated; 1 is without conflict. */
export function conflicts(access: Lane, lanes: number): number {
  let [turns, phases] = [0, 0];
  for (let first = 0; first < lanes; first += AT_ONCE) {
    const columns = new Map<number, Set<number>>();
    for (let l = first; l < first + AT_ONCE; l++) {
      const at = access(l);
      columns.set(at % AT_ONCE, (columns.get(at % AT_ONCE) ?? new Set()).add(at));
    }
    turns += Math.max(...[...columns.values()].map((s) => s.size));
    phases++;
  }
  return turns / phases;
}

/** Accesses to workgroup memory: what is read for each product, and what is stored once a slice. */
export function sharedAccesses(form: GemmProblem['form'], tile: Tile): Readonly<Record<string, Lane>> {
  const readB: Lane = (l) => l % 8;
  if (form === 'tn')
    return { 'read a': (l) => Math.floor(l / 8), 'read b': readB, 'store a': (l) => l, 'store b': (l) => l };
  const place = (k: number, q: number, n: number) => (4 * k + q) * tile.n4 + (n ^ q ^ (4 * (k & 1)) ^ (k & 2));
  const stored: Lane = (l) => {
    const column = Math.floor(l / SLICE.rows);
    return place(l % SLICE.rows, column % 4, Math.floor(column / 4));
  };
  return {
    'read a': (l) => Math.floor(l / 8) * SLICE.rows,
    'read b': form === 'nn' ? readB : (l) => place(0, 3, l % 8),
    'store a': (l) => l,
    'store b': form === 'nn' ? (l) => l : stored,
  };
}
