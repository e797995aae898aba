/** wgrad/ascent: pictures of what a unit responds to. */
export { ascend, ascendOptions, type AscendOptions, type Ascent, type BestPicture, type Frame } from './ascend.ts';
export type { Rate } from './compile.ts';
export { datasetExamples, type Example, type ExampleOptions, type PictureSet, type UnitExamples } from './examples.ts';
export { deepDream, type DreamFrame, type DreamOptions } from './dream.ts';
export {
  activationGroups,
  gridDirections,
  type ActivationGroup,
  type ActivationGroups,
  type GroupOptions,
} from './groups.ts';
export { factorise, type Factors } from './nmf.ts';
export { gradientModifiers, type GradientModifier } from './gradient.ts';
export * from './objectives/index.ts';
export { aligned, type AlignedOptions, type SharedGrid } from './picture/aligned.ts';
export { colourMatrix, imagenetColours, type ColourMatrix, type ColourOptions } from './picture/colours.ts';
export { fourier, type FourierOptions } from './picture/fourier.ts';
export { inputSpace, type InputOptions } from './picture/input.ts';
export { maco, magnitudes, type Magnitudes } from './picture/maco.ts';
export { pixels, type PixelOptions } from './picture/pixels.ts';
export { pyramid, type PyramidOptions } from './picture/pyramid.ts';
export { noisyGrey, pixelSpace, type PixelSpace } from './picture/space.ts';
export { transparent, type TransparentOptions } from './picture/transparent.ts';
export type { Climb, DrawnPicture, Parametrization, PictureRequest } from './picture/types.ts';
export { receptiveField } from './receptive_field.ts';
export type { ReluRule } from './relu.ts';
export type { Scene } from './scene.ts';
export { lucidTransforms } from '../transforms/index.ts';
export { expressionUsage, parseObjective, type ExpressionContext } from './parse.ts';
