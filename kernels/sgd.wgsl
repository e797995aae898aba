// PyTorch's SGD, in place: g' = g + WEIGHT_DECAY p; v = MOMENTUM v + g'; p -= lr v, or with Nesterov lr (g' + MOMENTUM v).
// A velocity that starts at zero makes the first step v = g'. scalars: [lr].
// Nothing is written where the guard (kernels/guard.wgsl) is not 0.
const COUNT: u32 = 1u; // vec4 groups
const MOMENTUM: f32 = 0.0f;
const WEIGHT_DECAY: f32 = 0.0f;
const NESTEROV: bool = false;

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> scalars: array<f32>;
@group(0) @binding(4) var<storage, read> guard: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT || guard[0] != 0u) {
    return;
  }
  var step = g[i] + WEIGHT_DECAY * p[i];
  if (MOMENTUM != 0.0) {
    let velocity = MOMENTUM * v[i] + step;
    v[i] = velocity;
    step = select(velocity, step + MOMENTUM * velocity, NESTEROV);
  }
  p[i] -= scalars[0] * step;
}
