/** The ops: each makes a node of the graph; nothing runs until a Program does. */
export { argmax, argmin, type ArgOptions } from './arg_reduce.ts';
export { batchNorm, batchNormTrain } from './batch_norm.ts';
export {
  add,
  addN,
  div,
  equal,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  logicalAnd,
  logicalOr,
  logicalXor,
  mask,
  maximum,
  maximumN,
  meanN,
  minimum,
  minimumN,
  mul,
  pow,
  prelu,
  sub,
} from './binary.ts';
export { broadcastTo, sumTo } from './broadcast.ts';
export { concat, split } from './concat.ts';
export { conv2d } from './conv2d.ts';
export {
  adamSettings,
  adamUpdate,
  assign,
  blend,
  boundUpdate,
  emaUpdate,
  rmspropSettings,
  rmspropUpdate,
  SETTINGS,
  sgdSettings,
  sgdUpdate,
} from './effects.ts';
export { gather } from './gather.ts';
export { binaryCrossEntropyWithLogits, crossEntropy, meanSquaredError } from './losses.ts';
export { matmul } from './matmul.ts';
export { oneHot } from './one_hot.ts';
export { pad, type PadMode } from './pad.ts';
export { avgPool2d, globalAvgPool, globalMaxPool, maxPool2d, maxPool2dWithIndices, type PoolOptions } from './pool.ts';
export { avgPool1d, maxPool1d, type Pool1dOptions } from './pool1d.ts';
export { randomNormal } from './random_normal.ts';
export { l1, logSum, logSumExp, max, mean, min, norm, prod, sum, sumSquare, variance } from './reduce.ts';
export { reshape } from './reshape.ts';
export { resize, resizeBilinear } from './resize.ts';
export { shift2d } from './shift.ts';
export { slice } from './slice.ts';
export { logSoftmax, softmax } from './softmax.ts';
export { stopGradient } from './stop_gradient.ts';
export { tile } from './tile.ts';
export { transpose } from './transpose.ts';
export {
  abs,
  affine,
  castTo,
  ceil,
  clamp,
  cos,
  elu,
  erf,
  exp,
  floor,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  log,
  logicalNot,
  mish,
  neg,
  reciprocal,
  relu,
  round,
  rsqrt,
  selu,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  softsign,
  sqrt,
  square,
  tanh,
  trunc,
} from './unary.ts';
export { PLACE, warp, type WarpBorder, type WarpOptions } from './warp.ts';
export { where } from './where.ts';
