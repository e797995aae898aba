// dx = a[c] dy + b[c] x + c[c], channels fastest; coefficients is [3, C].
const COUNT: u32 = 1u;
const C: u32 = 1u;

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> coefficients: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let c = i % C;
  dx[i] = coefficients[c] * dy[i] + coefficients[C + c] * x[i] + coefficients[2u * C + c];
}
