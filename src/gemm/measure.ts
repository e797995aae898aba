/** A GEMM problem on the device by itself: operands of noise, launches that are compared and timed. */
import { toHalf } from '../formats/half.ts';
import { GPU_USAGE, type Device } from '../gpu/device.ts';
import { specialize, type Constants, type Kernel } from '../gpu/kernel.ts';
import type { PipelineCache } from '../gpu/pipelines.ts';
import { submitAndRead } from '../gpu/readback.ts';
import { Random } from '../random.ts';
import type { Operand, Pass, Scratch } from './family.ts';
import type { GemmProblem } from './problem.ts';

/** Groups of four values in a, b and y, and in a vector of the epilogue. */
function extentsOf(problem: GemmProblem): { a: number; b: number; y: number; channels: number } {
  if (problem.form === 'tn') {
    const { rows, oh, ow, ah, aw, pixel4, n4, y4 } = problem.geometry;
    return { a: (rows / oh) * ah * aw * pixel4, b: rows * ow * n4, y: y4, channels: n4 };
  }
  const { m, qh, qw, ah, aw, k4, n4, y4 } = problem.phases[0]!;
  const taps = problem.phases.map(
    (g) => (g.b_from + Math.max(0, g.taps_h - 1) * g.b_tap_h + Math.max(0, g.taps_w - 1) * g.b_tap_w) * g.k4 + g.run,
  );
  return { a: (m / (qh * qw)) * ah * aw * k4, b: Math.max(...taps) * 4 * n4, y: y4, channels: n4 };
}

/** Of noise that is repeated: a prime, so that neither rows nor pixels are alike. */
const PERIOD = 65_521;

const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPU_USAGE;

/** A launch that is ready to run. */
export interface Prepared {
  encode(pass: GPUComputePassEncoder): void;
}

export class Workbench {
  private readonly operands: Readonly<Record<Operand, GPUBuffer>>;
  private readonly buffers: GPUBuffer[] = [];
  private readonly size: number;
  private readonly nothing: Float32Array<ArrayBuffer>;

  /** @throws WgradError 'limit-exceeded', 'out-of-memory'. */
  constructor(
    private readonly device: Device,
    private readonly pipelines: PipelineCache,
    problem: GemmProblem,
  ) {
    const { a, b, y, channels } = extentsOf(problem);
    this.size = y * 4;
    this.nothing = new Float32Array(this.size).fill(NaN);
    try {
      const noise = (groups: number, seed: string) => this.buffer(groups * 16, noiseOf(groups * 4, seed));
      this.operands = {
        a: noise(a, 'a'),
        b: 'half' in problem && problem.half ? this.buffer(b * 8, toHalf(noiseOf(b * 4, 'b'))) : noise(b, 'b'),
        y: this.buffer(y * 16),
        scale: noise(channels, 'scale'),
        shift: noise(channels, 'shift'),
        residual: noise(y, 'residual'),
        gate: noise(y, 'gate'),
      };
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Compiles. @throws (rejects) WgradError 'kernel-invalid', 'out-of-memory'; the signal's reason. */
  async prepare(passes: readonly Pass[], signal?: AbortSignal): Promise<Prepared> {
    const codes = passes.map(({ kernel, constants }) => ({
      kernel,
      code: specialize(kernel, constants as Constants<Kernel>),
    }));
    const compiled = await this.pipelines.getAll(codes, signal);
    const scratch = new Map<Scratch, GPUBuffer>();
    const bound = (what: Pass['bindings'][string]): GPUBuffer => {
      if (typeof what === 'string') return this.operands[what];
      if (what instanceof Int32Array) return this.buffer(what.byteLength, what);
      let buffer = scratch.get(what);
      if (!buffer) scratch.set(what, (buffer = this.buffer(what.elements * 4)));
      return buffer;
    };
    const ready = passes.map(({ kernel, bindings, workgroups }, i) => {
      const { pipeline, layout } = compiled.get(codes[i]!.code)!;
      const entries = Object.entries(kernel.bindings).map(([name, { binding }]) => ({
        binding,
        resource: { buffer: bound(bindings[name]!) },
      }));
      return { pipeline, group: this.device.gpu.createBindGroup({ layout, entries }), workgroups };
    });
    return {
      encode(pass) {
        for (const { pipeline, group, workgroups } of ready) {
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(...workgroups);
        }
      },
    };
  }

  /** What one run of it makes of y; NaN where it wrote nothing. */
  async result(launch: Prepared): Promise<Float32Array> {
    const staging = this.buffer(this.size * 4, undefined, COPY_DST | MAP_READ);
    this.device.gpu.queue.writeBuffer(this.operands.y, 0, this.nothing);
    return submitAndRead(
      this.device,
      'tuning',
      (encoder) => {
        const pass = encoder.beginComputePass();
        launch.encode(pass);
        pass.end();
        encoder.copyBufferToBuffer(this.operands.y, 0, staging, 0, this.size * 4);
        return staging;
      },
      (mapped) => new Float32Array(mapped.slice(0, this.size * 4)),
    );
  }

  /** Milliseconds of one run, of `repeats` in one submission. */
  async time(launch: Prepared, repeats: number): Promise<number> {
    const started = performance.now();
    await submitAndRead(
      this.device,
      'tuning',
      (encoder) => {
        const pass = encoder.beginComputePass();
        for (let i = 0; i < repeats; i++) launch.encode(pass);
        pass.end();
        return undefined;
      },
      () => undefined,
    );
    return (performance.now() - started) / repeats;
  }

  dispose(): void {
    for (const buffer of this.buffers.splice(0)) this.device.destroyBuffer(buffer);
  }

  private buffer(
    bytes: number,
    data?: Float32Array<ArrayBuffer> | Int32Array | Uint16Array,
    usage = STORAGE | COPY_SRC | COPY_DST,
  ): GPUBuffer {
    const buffer = this.device.createBuffer(bytes, usage, 'tuning');
    this.buffers.push(buffer);
    if (data) this.device.gpu.queue.writeBuffer(buffer, 0, data as Int32Array<ArrayBuffer>);
    return buffer;
  }
}

function noiseOf(count: number, seed: string): Float32Array<ArrayBuffer> {
  const random = new Random(seed);
  const block = Float32Array.from({ length: Math.min(count, PERIOD) }, () => random.normal());
  const all = new Float32Array(count);
  for (let at = 0; at < count; at += PERIOD) all.set(block.subarray(0, Math.min(PERIOD, count - at)), at);
  return all;
}

/** The largest difference over the largest magnitude of `expected`; NaN where a value is missing. */
export function errorOf(got: Float32Array, expected: Float32Array): number {
  let [top, worst] = [0, 0];
  for (let i = 0; i < got.length; i++) {
    top = Math.max(top, Math.abs(expected[i]!));
    const off = Math.abs(got[i]! - expected[i]!);
    if (off > worst || Number.isNaN(off)) worst = off;
  }
  return top > 0 ? worst / top : worst;
}
