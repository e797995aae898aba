// Adam and AdamW as in PyTorch, in place. settings, of row at.row: see adamSettings in src/ops/effects.ts; differences
// such as 1 - beta^t are taken on the host, where they do not cancel.
// Weight decay shrinks p directly (AdamW: shrink < 1), or joins the gradient (Adam: decay > 0).
// Nothing is written where the guard (kernels/guard.wgsl) is not 0.
struct At {
  count: u32, // vec4 groups
  row: u32, // index of the row's first number
}

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> first: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> second: array<vec4f>;
@group(0) @binding(4) var<storage, read> settings: array<f32>;
@group(0) @binding(5) var<storage, read> guard: array<u32>;
@group(0) @binding(6) var<uniform> at: At;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= at.count || guard[0] != 0u) {
    return;
  }
  let rate = settings[at.row];
  let shrink = settings[at.row + 1u];
  let decay = settings[at.row + 2u];
  let beta1 = settings[at.row + 3u];
  let rest1 = settings[at.row + 4u];
  let beta2 = settings[at.row + 5u];
  let rest2 = settings[at.row + 6u];
  let root = settings[at.row + 7u];
  let eps = settings[at.row + 8u];
  let grad = g[i] + decay * p[i];
  let m = beta1 * first[i] + rest1 * grad;
  let v = beta2 * second[i] + rest2 * grad * grad;
  first[i] = m;
  second[i] = v;
  p[i] = shrink * p[i] - rate * m / (sqrt(v) / root + eps);
}
