// y = (1 - MOMENTUM) y + MOMENTUM * SCALE * x, in place: running statistics. MOMENTUM 1 assigns.
// Nothing is written where the guard (kernels/guard.wgsl) is not 0.
const COUNT: u32 = 1u; // vec4 groups
const MOMENTUM: f32 = 0.1f;
const SCALE: f32 = 1.0f;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<storage, read> guard: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT || guard[0] != 0u) {
    return;
  }
  if (MOMENTUM == 1.0) {
    y[i] = SCALE * x[i];
  } else {
    y[i] = (1.0 - MOMENTUM) * y[i] + (MOMENTUM * SCALE) * x[i];
  }
}
