/** A ResNet-50 at full size whose programs are planned and counted, not run: no device is asked, no weight is made. */
import { resnetGraph } from '../../scripts/resnet.ts';
import type { Engine } from '../../src/engine.ts';
import { Choices } from '../../src/gemm/choose.ts';
import type { GemmDevice } from '../../src/gemm/family.ts';
import { Model } from '../../src/model/model.ts';
import { OnnxNetwork } from '../../src/onnx/network.ts';
import type { OnnxGraph, OnnxTensor } from '../../src/onnx/types.ts';
import type { Plan, PlanRequest } from '../../src/plan/plan.ts';
import { atOnce } from '../../src/pace.ts';
import { plan } from '../../src/plan/planner.ts';

/** As lavapipe has them. */
const limits = {
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupStorageSize: 32768,
  maxComputeWorkgroupsPerDimension: 65535,
  maxStorageBufferBindingSize: 2 ** 27,
} as GPUSupportedLimits;

const device: GemmDevice = { limits, subgroup: 8, software: true };

export const planned = (request: PlanRequest, on: Partial<GemmDevice> = {}): Plan =>
  atOnce(plan(request, limits, new Choices({ ...device, ...on })));

/** Blocks, strides and ratios of ResNet-50, an eighth as wide, and its zeros at full width. */
export function resnet50(): Model {
  const shape = { widths: [8, 16, 32, 64], blocks: [3, 4, 6, 3], strides: [1, 2, 2, 2], stem: 8, side: 224 };
  const stem = { stemKernel: 7, pool: true };
  const graph = resnetGraph({ ...shape, ...stem, classes: Array.from({ length: 125 }, String), mean: [0, 0, 0], std: [1, 1, 1], seed: 0 }); // prettier-ignore
  // What asks the engine for a device is not called here.
  return new Model({} as Engine, new OnnxNetwork(widened(graph, 8)));
}

function widened(graph: OnnxGraph, factor: number): OnnxGraph {
  const wide = ({ dims, dtype }: OnnxTensor): OnnxTensor => {
    const channels = dims.map((extent, axis) => (axis > 1 || extent === 3 ? extent : extent * factor));
    return { dims: channels, dtype, data: new Float32Array(channels.reduce((a, b) => a * b, 1)) };
  };
  const initializers = new Map([...graph.initializers].map(([name, tensor]) => [name, tensor.dtype === 'f32' ? wide(tensor) : tensor])); // prettier-ignore
  const metadata = new Map([...graph.metadata].filter(([key]) => key !== 'labels'));
  return { ...graph, initializers, metadata };
}
