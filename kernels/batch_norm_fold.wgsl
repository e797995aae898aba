// scale = weight / sqrt(var + eps), shift = bias - mean * scale, for each channel.
const EPS: f32 = 0.00001f;

struct Sizes {
  c: u32, // channels
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read> variance: array<f32>;
@group(0) @binding(4) var<storage, read_write> scale: array<f32>;
@group(0) @binding(5) var<storage, read_write> shift: array<f32>;
@group(0) @binding(6) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= sizes.c) {
    return;
  }
  let s = weight[i] / sqrt(variance[i] + EPS);
  scale[i] = s;
  shift[i] = bias[i] - mean[i] * s;
}
