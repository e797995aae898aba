/** The numbers of a 2-D convolution. */
export interface ConvAttrs {
  /** [vertical, horizontal]. */
  strides: readonly [number, number];
  /** ONNX order: top, left, bottom, right. */
  pads: readonly [number, number, number, number];
  dilations: readonly [number, number];
  groups: number;
}

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
