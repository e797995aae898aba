/** wgrad/ascent: pictures of what a unit responds to. */
export { ascend, ascendOptions, type AscendOptions, type Frame } from './ascend.ts';
export { add, channel, logit, neuron, objective, scale, type Objective } from './objective.ts';
export { adam, normalizedAscent, type Ascent, type AscentOptimizer, type Rate } from './optimizers.ts';
export { noisyGrey, pixelSpace, type PixelSpace } from './pixels.ts';
export { l2, totalVariation } from './regularizers.ts';
