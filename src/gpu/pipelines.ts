/** Pipelines, made once for each specialised module, in parallel; explicit layouts, so that bind groups can be reused. */
import { untilAborted } from '../abort.ts';
import { WgradError } from '../errors.ts';
import { Lru } from '../lru.ts';
import type { Device } from './device.ts';
import type { Kernel } from './kernel.ts';

export interface CompiledKernel {
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
}

const COMPUTE_STAGE = 4;

const BUFFER_TYPES = { read: 'read-only-storage', read_write: 'storage', uniform: 'uniform' } as const;

/** Pipelines kept for programs to come; those in use are kept by their programs. A training step has about a hundred. */
const KEPT = 512;

/** Compilations under way at once: enough for every core, few enough that an abort leaves little behind. */
const AT_ONCE = 8;

export class PipelineCache {
  private readonly pipelines = new Lru<string, Promise<CompiledKernel>>(KEPT);
  private readonly layouts = new Map<string, GPUBindGroupLayout>();

  constructor(private readonly device: Device) {}

  get size(): number {
    return this.pipelines.size;
  }

  /**
   * By their code.
   * @throws (rejects) WgradError 'kernel-invalid' with the kernel's name and the compiler's line; 'device-lost'; the
   *   signal's reason, at once: compilations under way end unheard.
   */
  async getAll(
    wanted: readonly { kernel: Kernel; code: string }[],
    signal?: AbortSignal,
  ): Promise<Map<string, CompiledKernel>> {
    const kernels = new Map(wanted.map(({ kernel, code }) => [code, kernel]));
    const rest = kernels.entries();
    const made = new Map<string, CompiledKernel>();
    let over = false;
    const work = async () => {
      for (const [code, kernel] of rest) {
        if (over) return;
        made.set(code, await this.get(kernel, code));
      }
    };
    try {
      await untilAborted(Promise.all(Array.from({ length: AT_ONCE }, work)), signal);
    } finally {
      over = true;
    }
    return made;
  }

  private get(kernel: Kernel, code: string): Promise<CompiledKernel> {
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
        buffer: { type: BUFFER_TYPES[b.access] },
      }));
      layout = this.device.gpu.createBindGroupLayout({ entries });
      this.layouts.set(key, layout);
    }
    return layout;
  }

  private async compile(kernel: Kernel, code: string): Promise<CompiledKernel> {
    const { gpu } = this.device;
    if (kernel.body) code += `\n${await bodyOf(kernel)}`;
    this.device.checkAlive();
    const [{ module, layout, pipeline }, accepted] = this.device.scoped(`kernel ${kernel.name}`, () => {
      const layout = this.layoutFor(kernel);
      const module = gpu.createShaderModule({ code, label: kernel.name });
      const pipeline = gpu.createComputePipelineAsync({
        label: kernel.name,
        layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: kernel.entry },
      });
      return { layout, module, pipeline: this.device.whileAlive(pipeline) };
    });
    const [made, valid] = await Promise.allSettled([pipeline, accepted]);
    if (made.status === 'fulfilled' && valid.status === 'fulfilled') return { pipeline: made.value, layout };
    this.device.checkAlive();
    const cause = ((valid.status === 'rejected' ? valid : made) as PromiseRejectedResult).reason as Error;
    if (cause instanceof WgradError && cause.code !== 'kernel-invalid') throw cause;
    const messages = (await this.device.whileAlive(module.getCompilationInfo())).messages;
    const where = messages.filter((m) => m.type === 'error').map((m) => `line ${m.lineNum}: ${m.message}`);
    const why = where.join('; ') || cause.message;
    throw new WgradError('kernel-invalid', `kernel ${kernel.name} does not compile: ${why}`, { cause });
  }
}

/** @throws (rejects) WgradError 'download-failed' where a page cannot load it any more. */
async function bodyOf(kernel: Kernel): Promise<string> {
  try {
    return await kernel.body!();
  } catch (cause) {
    throw new WgradError('download-failed', `kernel ${kernel.name}: its code cannot be loaded`, {
      remedy: 'Check the network, then reload the page',
      cause,
    });
  }
}
