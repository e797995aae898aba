/** `wgrad/tensorboard`: event files that stock TensorBoard opens, written in Node or in a page. */
export { type Picture } from './grid.ts';
export { histogram, type HistogramData, type HistogramOptions } from './histogram.ts';
export type { GraphNode, Hyperparameter } from './messages.ts';
export type { PrCurveOptions } from './pr_curve.ts';
export type { EmbeddingOptions } from './projector.ts';
export { MemoryLog, type LogSink } from './sink.ts';
export { SummaryWriter, type SummaryWriterOptions } from './writer.ts';
