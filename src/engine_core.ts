/**
 * What an engine works with: the device, planning, programs. Loaded by `Engine.create`, so that a page's first line does
 * not wait for it.
 */
import './gpu/bodies_plain.gen.ts';

export { openDevice } from './engine_options.ts';
export { openChoices } from './gemm/choose.ts';
export { isSoftwareAdapter } from './gpu/adapter.ts';
export { rangeOf } from './gpu/buffer_range.ts';
export { Device } from './gpu/device.ts';
export { PipelineCache } from './gpu/pipelines.ts';
export { WorkQueue } from './gpu/queue.ts';
export { checkReadable, readRange, unreadable } from './gpu/read_range.ts';
export { readTexture } from './gpu/texture.ts';
export { gemmsAmong, gemmsOf, plan, variablesOf } from './plan/planner.ts';
export { Program } from './plan/program.ts';
export { VariableStore } from './plan/variables.ts';
