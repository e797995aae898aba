// Adds up the parts [parts, 2, c] of kernels/batch_norm_sums.wgsl: dbias = sum(dy),
// dweight = sum(dy (x - mean)) / sqrt(var + eps).
const EPS: f32 = 0.00001f;

struct Sizes {
  c: u32, // channels
  parts: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read> variance: array<f32>;
@group(0) @binding(2) var<storage, read_write> dbias: array<f32>;
@group(0) @binding(3) var<storage, read_write> dweight: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = gid.x + gid.y * (groups.x * 64u);
  if (c >= sizes.c) {
    return;
  }
  var first = 0.0;
  var second = 0.0;
  for (var p = 0u; p < sizes.parts; p++) {
    first += parts[p * 2u * sizes.c + c];
    second += parts[p * 2u * sizes.c + sizes.c + c];
  }
  dbias[c] = first;
  dweight[c] = second / sqrt(variance[c] + EPS);
}
