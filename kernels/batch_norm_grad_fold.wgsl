// Input gradient of BatchNorm in train mode as dx = a dy + b (x - mean) + d, the coefficients of each channel:
//   a = weight / sqrt(var + eps), b = -a dweight / (n sqrt(var + eps)), d = -a dbias / n
const EPS: f32 = 0.00001f;

struct Sizes {
  c: u32, // channels
  n: u32, // elements of a channel
}

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read> variance: array<f32>;
@group(0) @binding(2) var<storage, read> dbias: array<f32>;
@group(0) @binding(3) var<storage, read> dweight: array<f32>;
@group(0) @binding(4) var<storage, read_write> coefficients: array<f32>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= sizes.c) {
    return;
  }
  let deviation = sqrt(variance[i] + EPS);
  let a = weight[i] / deviation;
  coefficients[i] = a;
  coefficients[sizes.c + i] = -a * dweight[i] / (f32(sizes.n) * deviation);
  coefficients[2u * sizes.c + i] = -a * dbias[i] / f32(sizes.n);
}
