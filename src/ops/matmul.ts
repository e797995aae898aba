/**
 * Matrix product over the last two axes, earlier ones being a batch that broadcasts:
 *
 *   Y = op(A) op(B), op = transposition or nothing
 *   dA = G op(B)^T, dB = op(A)^T G, transposed back where A or B was
 */
import { WgradError } from '../errors.ts';
import { grid } from '../gpu/grid.ts';
import {
  forwardProblem,
  inputGradProblem,
  matrixGeometry,
  weightGradProblem,
  type GemmProblem,
} from '../gemm/problem.ts';
import { matmul as kernel } from '../gpu/kernels.gen.ts';
import type { Op, PlanNode } from '../graph/op.ts';
import { broadcastShapes, sameShape, sizeOf, type Shape } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { broadcastTo } from './broadcast.ts';
import { requireFloat, requireKnown } from './check.ts';
import { emitGemm } from './gemm.ts';
import { reshape } from './reshape.ts';

export interface MatmulAttrs {
  transposeA: boolean;
  transposeB: boolean;
}

const batchOf = (shape: Shape) => shape.slice(0, -2);

/** Rows, columns and inner extents of op(A) op(B). */
function extents(a: Shape, b: Shape, attrs: MatmulAttrs): [m: number, k: number, kb: number, n: number] {
  const [a0, a1] = a.slice(-2) as [number, number];
  const [b0, b1] = b.slice(-2) as [number, number];
  const [m, k] = attrs.transposeA ? [a1, a0] : [a0, a1];
  const [kb, n] = attrs.transposeB ? [b1, b0] : [b0, b1];
  return [m, k, kb, n];
}

/** Below it the plain kernel is as good: what it computes does not pay for the compilation of another one. */
const WORTH_A_GEMM = 2 ** 22;

/** The product as a GEMM problem: one matrix each, large, in whole groups of four, and not both transposed. */
function problemOf({ inputs: [a, b], outputs: [y], attrs }: PlanNode<MatmulAttrs>): GemmProblem | undefined {
  const { transposeA, transposeB } = attrs;
  const [m, k, , n] = extents(a!.shape, b!.shape, attrs);
  const inFours = n % 4 === 0 && (transposeA ? m : k) % 4 === 0;
  if (!inFours || (transposeA && transposeB) || y!.size !== m * n || m < 8 || m * n * k < WORTH_A_GEMM)
    return undefined;
  if (transposeA) return weightGradProblem(matrixGeometry(k, m, n));
  return transposeB ? inputGradProblem(matrixGeometry(m, n, k)) : forwardProblem(matrixGeometry(m, k, n));
}

const matmulOp: Op<MatmulAttrs> = {
  name: 'matmul',
  infer: ([a, b], attrs) => {
    requireFloat('matmul', a!, b!);
    if (a!.rank < 2 || b!.rank < 2 || a!.rank !== b!.rank || !sameShape(batchOf(a!.shape), batchOf(b!.shape))) {
      throw new WgradError('shape', `matmul: ${a} and ${b} are no two batches of matrices`);
    }
    const [m, k, kb, n] = extents(a!.shape, b!.shape, attrs);
    if (k !== kb) throw new WgradError('shape', `matmul: inner extents ${k} and ${kb} of ${a} and ${b} differ`);
    return [{ shape: [...batchOf(a!.shape), m, n], dtype: 'f32' }];
  },
  vjp: ({ inputs: [a, b], attrs: { transposeA, transposeB } }, [g]) => [
    () => (transposeA ? product(b!, g!, transposeB, true) : product(g!, b!, false, !transposeB)),
    () => (transposeB ? product(g!, a!, true, transposeA) : product(a!, g!, !transposeA, false)),
  ],
  gemms: (node) => [problemOf(node) ?? []].flat(),
  lower(ctx, node) {
    const { inputs, outputs, attrs } = node;
    const [a, b] = inputs;
    const [y] = outputs;
    const problem = problemOf(node);
    if (problem) {
      return emitGemm(ctx, problem, { a: ctx.read(a!, 'row'), b: ctx.read(b!, 'row'), y: ctx.write(y!) });
    }
    const [m, k, , n] = extents(a!.shape, b!.shape, attrs);
    const mTiles = Math.ceil(m / 4);
    const tiles = mTiles * Math.ceil(n / 4);
    const [x, groupsY] = grid(tiles, 32);
    ctx.dispatch(kernel, {
      bindings: { a: ctx.read(a!, 'row'), b: ctx.read(b!, 'row'), y: ctx.write(y!) },
      constants: {
        M: m,
        N: n,
        K: k,
        A_M: attrs.transposeA ? 1 : k,
        A_K: attrs.transposeA ? m : 1,
        B_K: attrs.transposeB ? 1 : n,
        B_N: attrs.transposeB ? k : 1,
        A_BATCH: m * k,
        B_BATCH: k * n,
        M_TILES: mTiles,
        TILES: tiles,
      },
      workgroups: [x, groupsY, sizeOf(batchOf(y!.shape))],
    });
  },
  flops: ({ inputs: [a], outputs: [y], attrs }) => 2 * y!.size * a!.shape.at(attrs.transposeA ? -2 : -1)!,
};

const product = (a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor =>
  apply1(matmulOp, [a, b], { transposeA, transposeB });

/**
 * @param a [..., m, k] (or [..., k, m] transposed), or a vector [k] @param b [..., k, n] (or [..., n, k]), or [k]
 * @returns [..., m, n] without the axis of a vector operand; the leading axes broadcast.
 */
export function matmul(a: Tensor, b: Tensor, attrs: Partial<MatmulAttrs> = {}): Tensor {
  requireFloat('matmul', a, b);
  requireKnown('matmul', attrs, ['transposeA', 'transposeB']);
  const { transposeA = false, transposeB = false } = attrs;
  if (a.rank === 0 || b.rank === 0) throw new WgradError('shape', `matmul: ${a} and ${b} must have rank 1 or more`);
  if (a.rank === 1) {
    const y = matmul(reshape(a, [1, a.size]), b, { transposeB });
    return reshape(
      y,
      y.shape.filter((_, i) => i !== y.rank - (b.rank === 1 ? 1 : 2)),
    );
  }
  if (b.rank === 1) {
    const y = matmul(a, reshape(b, [b.size, 1]), { transposeA });
    return reshape(y, y.shape.slice(0, -1));
  }
  const batch = broadcastShapes(batchOf(a.shape), batchOf(b.shape), 'matmul');
  const spread = (t: Tensor) => broadcastTo(t, [...batch, ...t.shape.slice(-2)]);
  return product(spread(a), spread(b), transposeA, transposeB);
}
