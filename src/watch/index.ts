/** `wgrad/watch`: a training watched while it goes on, in TensorBoard and on a page. */
export { learningCurves, ratePlot, type Learning } from './curves.ts';
export { confusionTable, evaluationPage, measuresOf } from './evaluation.ts';
export { graphNodes } from './graph.ts';
export { layersMoved, placeOf, shortcutWarnings, unitsMoved, type Moved, type MovedUnit, type Place, type State } from './drift.ts'; // prettier-ignore
export {
  Looker,
  type Look,
  type WatchedMap,
  type WatchedPicture,
  type WatchedUnit,
  type WatchOptions,
} from './look.ts';
export type { ChangedUnit, Mistake } from './outcome.ts';
export { trainingPage, type TrainingPageOptions } from './report.ts';
export { TrainingWatch, type TrainingStory, type TrainingWatchOptions } from './training.ts';
