/** Attributes and shapes of 2-D convolutions, shared by the forward op and its two gradients. */
import { WgradError } from '../errors.ts';
import type { ConvAttrs, ConvGeometry } from '../gemm/geometry.ts';
import { show, type Shape } from '../graph/shape.ts';
import { requireKnown } from './check.ts';
import { readWindows, windowOptions, type WindowOptions } from './window_options.ts';

export interface Conv2dOptions extends WindowOptions {
  /** Default 1. */
  groups?: number;
}

/** The full attributes, from PyTorch's names (stride, padding, dilation) or ONNX's (strides, pads, dilations). */
export function convAttrs(options: Conv2dOptions): ConvAttrs {
  requireKnown('conv2d', options, ['groups', ...windowOptions]);
  const { strides, pads, dilations } = readWindows('conv2d', options, [1, 1]);
  const { groups = 1 } = options;
  const sizes = { stride: strides, dilation: dilations, groups: [groups] };
  for (const [name, values] of Object.entries(sizes)) {
    if (!values.every((v) => Number.isInteger(v) && v >= 1)) {
      throw new WgradError('invalid-argument', `conv2d: ${name} ${show(values)} must be whole numbers of 1 or more`);
    }
  }
  if (pads.length !== 4 || !pads.every((p) => Number.isInteger(p) && p >= 0)) {
    throw new WgradError('invalid-argument', `conv2d: padding ${show(pads)} must be whole numbers of 0 or more`);
  }
  return { strides, pads, dilations, groups };
}

/** @throws WgradError 'shape' where x [N,C,H,W] and w [O,C/groups,kh,kw] do not fit. */
export function convGeometry(x: Shape, w: Shape, attrs: ConvAttrs): ConvGeometry {
  const what = `conv2d: input ${show(x)}, weight ${show(w)}, groups ${attrs.groups}`;
  if (x.length !== 4 || w.length !== 4) throw new WgradError('shape', `${what}: both need rank 4`);
  const [n, ci, ih, iw] = x as [number, number, number, number];
  const [co, groupCi, kh, kw] = w as [number, number, number, number];
  if (groupCi * attrs.groups !== ci || co % attrs.groups !== 0)
    throw new WgradError('shape', `${what}: channels differ`);
  const [top, left, bottom, right] = attrs.pads;
  const extent = (size: number, before: number, after: number, k: number, stride: number, dilation: number) =>
    Math.floor((size + before + after - (k - 1) * dilation - 1) / stride) + 1;
  const oh = extent(ih, top, bottom, kh, attrs.strides[0], attrs.dilations[0]);
  const ow = extent(iw, left, right, kw, attrs.strides[1], attrs.dilations[1]);
  if (oh < 1 || ow < 1) throw new WgradError('shape', `${what}: the kernel is larger than the padded input`);
  return { ...attrs, n, ci, ih, iw, co, oh, ow, kh, kw };
}

/** Multiply-adds count two; the count of a direct convolution, the same for its three passes. */
export const convFlops = (g: ConvGeometry): number => 2 * g.n * g.oh * g.ow * g.co * (g.ci / g.groups) * g.kh * g.kw;

/** The geometry as constants, for the grouped kernels, which are specialised by shape. */
export const geometryConstants = (g: ConvGeometry) => ({
  IH: g.ih,
  IW: g.iw,
  OH: g.oh,
  OW: g.ow,
  KW: g.kw,
  STRIDE_H: g.strides[0],
  STRIDE_W: g.strides[1],
  PAD_T: g.pads[0],
  PAD_L: g.pads[1],
  DILATION_H: g.dilations[0],
  DILATION_W: g.dilations[1],
});
