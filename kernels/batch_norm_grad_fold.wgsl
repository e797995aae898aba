// Input gradient of BatchNorm in train mode as dx = a dy + b (x - mean) + d, the coefficients of each channel:
//   a = weight / sqrt(var + eps), b = -a dweight / (n sqrt(var + eps)), d = -a dbias / n
const C: u32 = 1u;
const N: f32 = 1.0f; // elements of a channel
const EPS: f32 = 0.00001f;

@group(0) @binding(0) var<storage, read> weight: array<f32>;
@group(0) @binding(1) var<storage, read> variance: array<f32>;
@group(0) @binding(2) var<storage, read> dbias: array<f32>;
@group(0) @binding(3) var<storage, read> dweight: array<f32>;
@group(0) @binding(4) var<storage, read_write> coefficients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= C) {
    return;
  }
  let deviation = sqrt(variance[i] + EPS);
  let a = weight[i] / deviation;
  coefficients[i] = a;
  coefficients[C + i] = -a * dweight[i] / (N * deviation);
  coefficients[2u * C + i] = -a * dbias[i] / N;
}
