/** Pipelines, made once for each specialised module, in parallel; explicit layouts, so that bind groups can be reused. */
import { WgradError } from '../errors.ts';
import type { Device } from './device.ts';
import type { Kernel } from './kernel.ts';

export interface CompiledKernel {
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
}

const COMPUTE_STAGE = 4;

export class PipelineCache {
  private readonly pipelines = new Map<string, Promise<CompiledKernel>>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();

  constructor(private readonly device: Device) {}

  get size(): number {
    return this.pipelines.size;
  }

  /** @throws WgradError 'kernel-invalid' with the kernel's name and the compiler's line. */
  get(kernel: Kernel, code: string): Promise<CompiledKernel> {
    let entry = this.pipelines.get(code);
    if (!entry) {
      entry = this.compile(kernel, code);
      this.pipelines.set(code, entry);
      entry.catch(() => this.pipelines.delete(code));
    }
    return entry;
  }

  private layoutFor(kernel: Kernel): GPUBindGroupLayout {
    const bindings = Object.values(kernel.bindings);
    const key = bindings.map((b) => `${b.binding}${b.access}`).join();
    let layout = this.layouts.get(key);
    if (!layout) {
      const entries = bindings.map((b): GPUBindGroupLayoutEntry => ({
        binding: b.binding,
        visibility: COMPUTE_STAGE,
        buffer: { type: b.access === 'read' ? 'read-only-storage' : 'storage' },
      }));
      layout = this.device.gpu.createBindGroupLayout({ entries });
      this.layouts.set(key, layout);
    }
    return layout;
  }

  private async compile(kernel: Kernel, code: string): Promise<CompiledKernel> {
    const { gpu } = this.device;
    const layout = this.layoutFor(kernel);
    gpu.pushErrorScope('validation');
    const module = gpu.createShaderModule({ code, label: kernel.name });
    const pipeline = gpu
      .createComputePipelineAsync({
        label: kernel.name,
        layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: kernel.entry },
      })
      .catch((cause: Error) => cause);
    const invalid = await gpu.popErrorScope();
    const result = await this.device.whileAlive(pipeline);
    if (invalid || result instanceof Error) {
      const messages = (await module.getCompilationInfo()).messages.filter((m) => m.type === 'error');
      const where = messages.map((m) => `line ${m.lineNum}: ${m.message}`).join('; ');
      const why = where || invalid?.message || (result as Error).message;
      throw new WgradError('kernel-invalid', `kernel ${kernel.name} does not compile: ${why}`);
    }
    return { pipeline: result, layout };
  }
}
