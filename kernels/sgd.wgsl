// PyTorch's SGD, in place: g' = g + decay p; v = momentum v + kept g'; p -= lr v, or with Nesterov lr (g' + momentum v).
// kept is 1 - dampening, and 1 in the first step, which a velocity of zero makes v = g'.
// settings, of row at.row: see sgdSettings in src/ops/effects.ts.
// Nothing is written where the guard (kernels/guard.wgsl) is not 0.
struct At {
  count: u32, // vec4 groups
  row: u32, // index of the row's first number
}

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> velocity: array<vec4f>;
@group(0) @binding(3) var<storage, read> settings: array<f32>;
@group(0) @binding(4) var<storage, read> guard: array<u32>;
@group(0) @binding(5) var<uniform> at: At;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= at.count || guard[0] != 0u) {
    return;
  }
  let lr = settings[at.row];
  let decay = settings[at.row + 1u];
  let momentum = settings[at.row + 2u];
  let kept = settings[at.row + 3u];
  let nesterov = settings[at.row + 4u] != 0.0;
  var step = g[i] + decay * p[i];
  if (momentum != 0.0) {
    let v = momentum * velocity[i] + kept * step;
    velocity[i] = v;
    step = select(v, step + momentum * v, nesterov);
  }
  p[i] -= lr * step;
}
