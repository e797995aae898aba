/**
 * What one step of a subgroup tile (kernels/gemm_subgroup.wgsl) is made of: its loads, the exchange of rows between lanes
 * and its arithmetic, each by itself and together, in nanoseconds of one processor.
 *
 *   WGRAD_ADAPTER=lavapipe npx tsx scripts/gemm-step.ts [ROWS [GROUPS]]
 *
 * GROUPS of four columns a lane (default 1), ROWS of them (default 16). Time is that of the driver's threads (Linux: /proc), the least of five, so that it holds on a busy machine. A tile can
 * be no faster than the slowest of its parts; where parts do not overlap, no faster than their sum.
 */
import { createEngine } from '../src/node/index.ts';
import { driverTime } from './processor_time.ts';

/** Of sums, in groups of four: a layer of 1024 channels. */
const STEPS = 256;
/** From one row of a to the next: no power of two, so that rows fall on many sets of the first cache. */
const STRIDE = STEPS + 1;
const WORKGROUPS = 16;
const CORES = 2;

interface Parts {
  loads?: true;
  exchange?: true;
  arithmetic?: true;
}

const variants: Readonly<Record<string, Parts>> = {
  loads: { loads: true },
  exchange: { exchange: true },
  arithmetic: { arithmetic: true },
  'exchange and arithmetic': { exchange: true, arithmetic: true },
  'loads and exchange': { loads: true, exchange: true },
  all: { loads: true, exchange: true, arithmetic: true },
};

const list = (count: number, of: (i: number) => string, between = '\n') => Array.from({ length: count }, (_, i) => of(i)).join(between); // prettier-ignore

/** What is left out is made of the loop's counter in a register: the compiler must not see that it is the same again. */
function source(rows: number, lanes: number, groups: number, { loads, exchange, arithmetic }: Parts): string {
  const held = Math.max(1, rows / lanes);
  const x = (i: number) => (loads ? `a[(lane + ${i * lanes}u) * ${STRIDE}u + k]` : `vec4f(seed + f32(k + ${i}u))`);
  const b = (i: number) =>
    loads ? `b[(${4 * groups}u * k + ${i}u) * ${lanes}u + lane]` : `vec4f(seed * f32(k + ${i}u))`;
  const row = (i: number) => {
    const own = `x${Math.floor(i / lanes) % held}`;
    // Without exchange rows must differ all the same: equal ones would be computed once.
    return exchange ? `subgroupShuffleXor(${own}, ${i % lanes}u)` : `(${own} + ${i}.0)`;
  };
  const summed = (i: number) => {
    const sum = (c: string, w: string) => `${c} = plus(${c}, v${i}, ${w});`;
    return `let v${i} = ${row(i)}; ${list(groups, (j) => sum(`c${i}_${j}`, `w${j}`), ' ')}`;
  };
  const factors = (j: number) => `let w${j} = transpose(mat4x4f(${list(4, (i) => `b${4 * j + i}`, ', ')}));`;
  const all = (count: number, name: string) => list(count, (i) => `${name}${i}`, ' + ');
  const used = `c0_0 += ${all(held, 'x')} + ${all(4 * groups, 'b')};`;
  const exchanged = `c0_0 += ${list(rows, row, ' + ')} + ${all(4 * groups, 'b')};`;
  return /* wgsl */ `
enable subgroups;
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> trips: vec4u;

fn plus(c: vec4f, v: vec4f, w: mat4x4f) -> vec4f {
  return vec4f(along(c.x, v, w[0]), along(c.y, v, w[1]), along(c.z, v, w[2]), along(c.w, v, w[3]));
}
fn along(c: f32, v: vec4f, w: vec4f) -> f32 {
  return fma(v.w, w.w, fma(v.z, w.z, fma(v.y, w.y, fma(v.x, w.x, c))));
}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let seed = a[lane].x + b[lane].x;
  ${list(rows * groups, (i) => `var c${Math.floor(i / groups)}_${i % groups} = vec4f();`, ' ')}
  for (var trip = 0u; trip < trips.x; trip++) {
    for (var k = 0u; k < ${STEPS}u; k++) {
      ${list(held, (i) => `let x${i} = ${x(i)};`, ' ')}
      ${list(4 * groups, (i) => `let b${i} = ${b(i)};`, ' ')}
      ${arithmetic ? list(groups, factors) + list(rows, summed) : exchange ? exchanged : used}
    }
  }
  y[group.x * ${lanes}u + lane] = ${list(rows * groups, (i) => `c${Math.floor(i / groups)}_${i % groups}`, ' + ')};
}`;
}

const engine = await createEngine({ log: console.log, tuning: { mode: 'off' } });
const { gpuDevice: device } = engine;
const lanes = (device.adapterInfo as { subgroupMinSize?: number }).subgroupMinSize ?? 0;
if (!lanes) throw new Error('the adapter has no subgroups');
const [rows = 16, groups = 1] = process.argv.slice(2).map(Number);

/** GPUBufferUsage by value: STORAGE, UNIFORM and COPY_DST. */
const sizes = [(rows + lanes) * STRIDE, 4 * STEPS * lanes * groups, WORKGROUPS * lanes];
const buffers = sizes.map((vectors) => device.createBuffer({ size: 16 * vectors, usage: 0x80 | 0x8 }));
for (const buffer of buffers.slice(0, 2)) device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(1e-3)); // prettier-ignore
const trips = device.createBuffer({ size: 16, usage: 0x40 | 0x8 });

async function measure(parts: Parts): Promise<number> {
  const module = device.createShaderModule({ code: source(rows, lanes, groups, parts) });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const entries = [...buffers, trips].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const time = async (count: number) => {
    device.queue.writeBuffer(trips, 0, Uint32Array.of(count, 0, 0, 0));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(WORKGROUPS);
    pass.end();
    await device.queue.onSubmittedWorkDone();
    const before = driverTime();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return driverTime() - before;
  };
  let count = 4;
  while ((await time(count)) < 20) count *= 4;
  let least = Infinity;
  for (let i = 0; i < 5; i++) least = Math.min(least, await time(count));
  return (1e6 * least) / (count * STEPS * WORKGROUPS);
}

const flops = 2 * rows * 4 * groups * lanes * 4;
for (const [name, parts] of Object.entries(variants)) {
  const ns = await measure(parts);
  const rate = parts.arithmetic ? `, ${((CORES * flops) / ns).toFixed(1)} GFLOP/s on ${CORES} cores` : '';
  console.log(`${rows} x ${4 * groups * lanes}, ${name.padEnd(24)} ${ns.toFixed(0).padStart(5)} ns a step${rate}`);
}
process.exit(0);
