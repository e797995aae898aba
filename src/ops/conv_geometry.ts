/** Attributes and shapes of 2-D convolutions, shared by the forward op and its two gradients. */
import { WgradError } from '../errors.ts';
import { show, type Shape } from '../graph/shape.ts';

export interface ConvAttrs {
  /** [vertical, horizontal]. */
  strides: readonly [number, number];
  /** ONNX order: top, left, bottom, right. */
  pads: readonly [number, number, number, number];
  dilations: readonly [number, number];
  groups: number;
}

export const convDefaults: ConvAttrs = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };

export interface ConvGeometry extends ConvAttrs {
  n: number;
  ci: number;
  ih: number;
  iw: number;
  co: number;
  oh: number;
  ow: number;
  kh: number;
  kw: number;
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

/** The geometry that all convolution kernels have in common, by the names of their struct members. */
export const geometryMembers = (g: ConvGeometry) => ({
  ih: g.ih,
  iw: g.iw,
  oh: g.oh,
  ow: g.ow,
  kh: g.kh,
  kw: g.kw,
  stride_h: g.strides[0],
  stride_w: g.strides[1],
  pad_t: g.pads[0],
  pad_l: g.pads[1],
  dilation_h: g.dilations[0],
  dilation_w: g.dilations[1],
});

/** The same as constants, for the kernels that are specialised by shape. */
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
