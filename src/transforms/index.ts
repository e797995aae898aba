/** Random transforms of pictures, on the device and differentiable: robust ascent, augmentation. */
export { aboutMiddle, compose, identity, offset, place, type Affine, type Size } from './affine.ts';
export { blur } from './blur.ts';
export { colourJitter, type ColourJitterOptions } from './colour_jitter.ts';
export { erase, type EraseOptions } from './erase.ts';
export { crop, fit, flip, jitter, pad, resizedCrop, rotate, scale, type ResizedCropOptions } from './geometric.ts';
export { lucidTransforms } from './lucid.ts';
export { noise } from './noise.ts';
export {
  transformed,
  type GeometricTransform,
  type Source,
  type Transform,
  type Transformed,
  type TransformOptions,
  type ValueTransform,
} from './transform.ts';
