// y = (1 - MOMENTUM) y + MOMENTUM * SCALE * x, in place: running statistics. MOMENTUM 1 assigns.
// Nothing is written while the guard is NaN or infinite.
const COUNT: u32 = 1u; // vec4 groups
const MOMENTUM: f32 = 0.1f;
const SCALE: f32 = 1.0f;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<storage, read> guard: array<f32>;

// By the bits: drivers may take NaN for a number.
fn is_finite(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT || !is_finite(guard[0])) {
    return;
  }
  if (MOMENTUM == 1.0) {
    y[i] = SCALE * x[i];
  } else {
    y[i] = (1.0 - MOMENTUM) * y[i] + (MOMENTUM * SCALE) * x[i];
  }
}
