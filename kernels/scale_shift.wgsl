// y = x * scale[c] + shift[c], channels fastest.
const COUNT: u32 = 1u;
const C: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read> shift: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let c = i % C;
  y[i] = x[i] * scale[c] + shift[c];
}
