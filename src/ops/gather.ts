/**
 * Elements at given places along an axis: y[o, j, i] = x[o, index[j], i], index of any shape (torch.index_select,
 * numpy.take, ONNX Gather).
 *
 *   dx[o, k, i] = sum over the j with index[j] = k of g[o, j, i], in the order of j
 */
import { WgradError } from '../errors.ts';
import { gather as kernel, scatterAdd as scatterKernel } from '../gpu/kernels.gen.ts';
import { packStruct } from '../gpu/kernel.ts';
import { linesAlong } from '../graph/layout.ts';
import { constant, constantOp, type ConstantAttrs } from '../graph/leaves.ts';
import type { Op } from '../graph/op.ts';
import { normalizeAxes } from '../graph/shape.ts';
import { apply1, type Tensor } from '../graph/tensor.ts';
import { grid } from '../gpu/grid.ts';
import { alongAxis, sparseMatrix } from './along_axis.ts';
import { requireFloat, requireTensor } from './check.ts';
import { reshape } from './reshape.ts';

interface GatherAttrs {
  axis: number;
}

/** What an index outside the axis gives: the bits of a NaN, and the least i32. */
const missing = { f32: 0x7fc00000, i32: 0x80000000 } as const;

const gatherOp: Op<GatherAttrs> = {
  name: 'gather',
  infer: ([x, index], { axis }) => [{ shape: x!.shape.map((d, i) => (i === axis ? index!.size : d)), dtype: x!.dtype }],
  vjp: ({ inputs: [x, index], attrs: { axis } }, [g]) => [() => scatterAdd(g!, index!, axis, x!.shape[axis]!), null],
  lower(ctx, { inputs: [x, index], outputs: [y], attrs: { axis } }) {
    const layout = ctx.layoutOf(x!);
    const { extent, inner } = linesAlong(x!.shape, axis, layout);
    const lines = { count: y!.size, inner, rows: index!.size, extent, missing: missing[x!.dtype] };
    ctx.dispatch(kernel, {
      bindings: {
        x: ctx.read(x!),
        index: ctx.read(index!, 'row'),
        y: ctx.write(y!, layout),
        lines: ctx.constant(packStruct(kernel, 'lines', lines)),
      },
      workgroups: grid(y!.size, 64),
    });
  },
};

interface ScatterAttrs extends GatherAttrs {
  extent: number;
}

const scatterAddOp: Op<ScatterAttrs> = {
  name: 'scatter_add',
  infer: ([g], { axis, extent }) => {
    requireFloat('scatter_add', g!);
    return [{ shape: g!.shape.map((d, i) => (i === axis ? extent : d)), dtype: 'f32' }];
  },
  vjp: ({ inputs: [, index], attrs: { axis } }, [g]) => [() => apply1(gatherOp, [g!, index!], { axis }), null],
  lower(ctx, { inputs: [g, index], outputs: [y], attrs: { axis, extent } }) {
    const layout = ctx.layoutOf(g!);
    const { inner } = linesAlong(g!.shape, axis, layout);
    const lines = packStruct(scatterKernel, 'lines', { count: y!.size, inner, rows: index!.size, extent });
    ctx.dispatch(scatterKernel, {
      bindings: {
        dy: ctx.read(g!),
        index: ctx.read(index!, 'row'),
        dx: ctx.write(y!, layout),
        lines: ctx.constant(lines),
      },
      workgroups: grid(y!.size, 64),
    });
  },
};

/** The values of a constant index as places in [0, extent), or undefined where they come at run time. */
function places(index: Tensor, extent: number): number[] | undefined {
  if (index.node.op !== constantOp) return undefined;
  return Array.from((index.node.attrs as ConstantAttrs).data, (k) => (k < 0 ? k + extent : k));
}

/** Indices known now are turned into a list for each element, so that none has to look through all of them. */
function scatterAdd(g: Tensor, index: Tensor, axis: number, extent: number): Tensor {
  const known = places(index, extent);
  if (!known) return apply1(scatterAddOp, [g, index], { axis, extent });
  const rows = Array.from({ length: extent }, () => new Map<number, number>());
  known.forEach((k, j) => rows[k]!.set(j, 1));
  return alongAxis(g, axis, sparseMatrix(rows, known.length));
}

/**
 * @param index whole numbers, or an i32 tensor of any shape, constant or given at run time; negative ones count from the
 * end.
 * @returns x with `axis` (default 0) replaced by the axes of `index`. An index that comes at run time and lies outside
 * gives NaN (in an i32 tensor the least integer).
 * @throws WgradError 'dtype' for an index that is not i32; 'invalid-argument' for a constant one that lies outside.
 */
export function gather(x: Tensor, index: Tensor | readonly number[], axis = 0): Tensor {
  if (Array.isArray(index) && !index.every((k) => k === (k | 0))) {
    throw new WgradError(
      'invalid-argument',
      `gather: the indices [${index.join(', ')}] are not all whole numbers of 32 bits`,
    );
  }
  if (!Array.isArray(index)) requireTensor('gather', index as Tensor);
  requireTensor('gather', x);
  const list = Array.isArray(index) ? constant(Int32Array.from(index as number[])) : (index as Tensor);
  if (list.dtype !== 'i32')
    throw new WgradError('dtype', `gather: the index ${list} holds ${list.dtype}, i32 is needed`);
  const [along] = normalizeAxes([axis], x.rank, 'gather') as [number];
  const extent = x.shape[along]!;
  const outside = places(list, extent)?.findIndex((k) => k < 0 || k >= extent) ?? -1;
  if (outside >= 0) {
    const value = (list.node.attrs as ConstantAttrs).data[outside];
    throw new WgradError('invalid-argument', `gather: index ${value} is outside axis ${along} of ${x}`, {
      remedy: `Indices go from ${-extent} to ${extent - 1}`,
    });
  }
  // A flat constant stays one: its gradient is planned from its values.
  const flat =
    list.node.op === constantOp ? constant((list.node.attrs as ConstantAttrs).data) : reshape(list, [list.size]);
  const y = apply1(gatherOp, [x, flat], { axis: along });
  return list.rank === 1 ? y : reshape(y, [...x.shape.slice(0, along), ...list.shape, ...x.shape.slice(along + 1)]);
}
