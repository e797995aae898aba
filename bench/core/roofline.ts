/**
 * What the adapter can do at most, by two kernels of the harness's own: one that only multiplies and adds, in registers,
 * and one that only reads. Shares of the roofline are of these.
 */
import { quantile } from './statistics.ts';

export interface Roofline {
  /** Of multiply-adds without any memory, 1e9 a second; a multiply-add is two. */
  gflops: number;
  /** Of memory read in order, far larger than caches, 1e9 bytes a second; the better of two ways to read it. */
  gbs: number;
  /** Of memory that stays in a cache. */
  cachedGbs: number;
}

interface Chains {
  /** Sums that do not wait for one another. */
  chains: number;
  /** Multiply-adds of each in one expression: software adapters store a variable after every statement. */
  depth: number;
}

const alu = ({ chains, depth }: Chains) => {
  const each = (of: (k: number) => string, between = ' ') =>
    Array.from({ length: chains }, (_, k) => of(k)).join(between);
  const nested = (k: number) => `${'fma('.repeat(depth)}s${k}${', a, b)'.repeat(depth)}`;
  return /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(1) var<uniform> steps: vec4u;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = vec4f(f32(id.x & 7u)) * 0.01 + 0.5;
  let b = a * 0.125;
  ${each((k) => `var s${k} = a + ${k}.0;`)}
  for (var i = 0u; i < steps.x; i++) {
    ${each((k) => `s${k} = ${nested(k)};`)}
  }
  y[id.x] = ${each((k) => `s${k}`, ' + ')};
}`;
};

/** GPUs want many chains at once, processors that play GPU long ones: the better counts. */
const mixes: readonly Chains[] = [
  { chains: 8, depth: 4 },
  { chains: 2, depth: 16 },
];

const flopsOf = ({ chains, depth }: Chains) => 2 * 4 * chains * depth;

/** @param at where an invocation's k-th vector of a trip lies; eight are under way at once. */
const load = (at: (k: number) => string) => /* wgsl */ `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> steps: vec4u;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let stride = groups.x * 64u;
  ${eight((k) => `var s${k} = vec4f();`)}
  for (var trip = 0u; trip < steps.y; trip++) {
    for (var i = 0u; i < steps.x; i += 8u) {
      ${eight((k) => `s${k} += x[${at(k)}];`)}
    }
  }
  y[id.x] = ${eight((k) => `s${k}`, ' + ')};
}`;

const eight = (of: (k: number) => string, between = ' ') => Array.from({ length: 8 }, (_, k) => of(k)).join(between);

/** GPUs want neighbours to read neighbouring addresses; processors that play GPU want each to read a stretch. */
const patterns = [load((k) => `id.x + (i + ${k}u) * stride`), load((k) => `id.x * steps.x + i + ${k}u`)];

/** GPUBufferUsage by value: Node has no such global. */
const [STORAGE, UNIFORM, COPY_DST] = [0x80, 0x40, 0x8];
const GROUPS = 256;
const INVOCATIONS = 64 * GROUPS;

/** Milliseconds that a measured dispatch should take, so that its submission does not count. */
const LONG = 60;

/** A kernel that does `steps` of its work, with its own buffers; timed to the end of the queue. */
function kernel(device: GPUDevice, code: string, read: number | undefined) {
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const sizes = [...(read === undefined ? [] : [read]), INVOCATIONS * 16];
  const buffers = [
    ...sizes.map((size) => device.createBuffer({ size, usage: STORAGE | COPY_DST })),
    device.createBuffer({ size: 16, usage: UNIFORM | COPY_DST }),
  ];
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  return {
    async time(steps: number, trips: number): Promise<number> {
      device.queue.writeBuffer(buffers.at(-1)!, 0, Uint32Array.of(steps, trips, 0, 0));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(GROUPS);
      pass.end();
      await device.queue.onSubmittedWorkDone();
      const started = performance.now();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      return performance.now() - started;
    },
    destroy: () => buffers.forEach((b) => b.destroy()),
  };
}

/** The rate of the best of `rounds`: noise only slows down. */
async function best(time: (amount: number) => Promise<number>, work: (amount: number) => number, rounds: number) {
  let amount = 1;
  let ms = await time(amount);
  while (ms < LONG / 2 && amount < 1 << 20) {
    amount = Math.ceil(amount * Math.min(8, LONG / Math.max(1, ms)));
    ms = await time(amount);
  }
  const rates: number[] = [work(amount) / ms / 1e6];
  for (let i = 0; i < rounds; i++) rates.push(work(amount) / (await time(amount)) / 1e6);
  return quantile(rates, 1);
}

/** @param large bytes of memory read in order; default 64 MB, or what a binding holds. */
export async function measureRoofline(device: GPUDevice, { rounds = 5, large = 1 << 26 } = {}): Promise<Roofline> {
  const computing: number[] = [];
  for (const mix of mixes) {
    const math = kernel(device, alu(mix), undefined);
    const work = (steps: number) => steps * flopsOf(mix) * INVOCATIONS;
    computing.push(await best((steps) => math.time(steps, 1), work, rounds));
    math.destroy();
  }
  const gflops = Math.max(...computing);
  const reading = async (bytes: number) => {
    const size = Math.min(bytes, device.limits.maxStorageBufferBindingSize);
    const steps = Math.floor(size / 16 / INVOCATIONS / 8) * 8;
    const rates: number[] = [];
    for (const code of patterns) {
      const reader = kernel(device, code, steps * INVOCATIONS * 16);
      const time = (trips: number) => reader.time(steps, trips);
      rates.push(await best(time, (trips) => trips * steps * INVOCATIONS * 16, rounds));
      reader.destroy();
    }
    return Math.max(...rates);
  };
  return { gflops, gbs: await reading(large), cachedGbs: await reading(1 << 21) };
}

/** Milliseconds that the roofline gives work of so many operations and bytes. */
export const roofMs = ({ gflops, gbs }: Roofline, flops: number, bytes: number): number =>
  Math.max(flops / gflops, bytes / gbs) / 1e6;
