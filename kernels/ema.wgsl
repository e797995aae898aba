// y = keep y + gain x, in place, with weights = [keep, gain]: running statistics, averages, sums over micro-batches.
// With keep 0 it assigns, whatever y is.
// Nothing is written where the guard (kernels/guard.wgsl) is not 0.
struct At {
  count: u32, // vec4 groups
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> guard: array<u32>;
@group(0) @binding(4) var<uniform> at: At;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= at.count || guard[0] != 0u) {
    return;
  }
  let keep = weights[0];
  let gain = weights[1];
  if (keep == 0.0) {
    y[i] = gain * x[i];
  } else {
    y[i] = keep * y[i] + gain * x[i];
  }
}
