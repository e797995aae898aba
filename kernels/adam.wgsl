// Adam and AdamW as in PyTorch, in place. scalars: [lr, 1 - BETA1^t, sqrt(1 - BETA2^t)], computed on the host, where
// the differences do not cancel. DECOUPLED: weight decay shrinks p directly (AdamW), else it joins the gradient (Adam).
// Nothing is written where the guard (kernels/guard.wgsl) is not 0.
const COUNT: u32 = 1u; // vec4 groups
const BETA1: f32 = 0.9f;
const BETA2: f32 = 0.999f;
// The complements are rounded once, on the host: 1.0f - 0.999f is off by 1e-5.
const ONE_MINUS_BETA1: f32 = 0.1f;
const ONE_MINUS_BETA2: f32 = 0.001f;
const EPS: f32 = 0.00000001f;
const WEIGHT_DECAY: f32 = 0.0f;
const DECOUPLED: bool = false;

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> scalars: array<f32>;
@group(0) @binding(5) var<storage, read> guard: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT || guard[0] != 0u) {
    return;
  }
  let lr = scalars[0];
  var value = p[i];
  var grad = g[i];
  if (DECOUPLED) {
    value -= lr * WEIGHT_DECAY * value;
  } else {
    grad += WEIGHT_DECAY * value;
  }
  let first = BETA1 * m[i] + ONE_MINUS_BETA1 * grad;
  let second = BETA2 * v[i] + ONE_MINUS_BETA2 * grad * grad;
  m[i] = first;
  v[i] = second;
  p[i] = value - (lr / scalars[1]) * first / (sqrt(second) / scalars[2] + EPS);
}
