// Adds up the parts [PARTS, 2, C] of kernels/batch_norm_sums.wgsl: dbias = sum(dy),
// dweight = sum(dy (x - mean)) / sqrt(var + eps).
const C: u32 = 1u;
const PARTS: u32 = 1u;
const EPS: f32 = 0.00001f;

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read> variance: array<f32>;
@group(0) @binding(2) var<storage, read_write> dbias: array<f32>;
@group(0) @binding(3) var<storage, read_write> dweight: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = gid.x + gid.y * (groups.x * 64u);
  if (c >= C) {
    return;
  }
  var first = 0.0;
  var second = 0.0;
  for (var p = 0u; p < PARTS; p++) {
    first += parts[p * 2u * C + c];
    second += parts[p * 2u * C + C + c];
  }
  dbias[c] = first;
  dweight[c] = second / sqrt(variance[c] + EPS);
}
