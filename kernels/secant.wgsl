// y = g (f(a) - f(b)) / (a - b), the slope of the chord; where |a - b| < NEAR it is `tangent`, the gradient times g.
const COUNT: u32 = 1u;
const NEAR: f32 = 1e-6f;

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> fa: array<f32>;
@group(0) @binding(4) var<storage, read> fb: array<f32>;
@group(0) @binding(5) var<storage, read> tangent: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let run = a[i] - b[i];
  if (abs(run) < NEAR) {
    y[i] = tangent[i];
  } else {
    y[i] = g[i] * ((fa[i] - fb[i]) / run);
  }
}
