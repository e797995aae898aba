// PyTorch's RMSprop, in place: g' = g + decay p; s = alpha s + (1 - alpha) g'^2, and centered a = alpha a + (1 - alpha) g';
// d = g' / (sqrt(s - a^2) + eps), or g' / sqrt(s - a^2 + eps); v = momentum v + d; p -= lr v, without momentum lr d.
// settings, of row at.row: see rmspropSettings in src/ops/effects.ts.
// Nothing is written where the guard (kernels/guard.wgsl) is not 0.
struct At {
  count: u32, // vec4 groups
  row: u32, // index of the row's first number
}

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> g: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> squares: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> means: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> velocity: array<vec4f>;
@group(0) @binding(5) var<storage, read> settings: array<f32>;
@group(0) @binding(6) var<storage, read> guard: array<u32>;
@group(0) @binding(7) var<uniform> at: At;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= at.count || guard[0] != 0u) {
    return;
  }
  let lr = settings[at.row];
  let decay = settings[at.row + 1u];
  let alpha = settings[at.row + 2u];
  let rest = settings[at.row + 3u];
  let eps = settings[at.row + 4u];
  let momentum = settings[at.row + 5u];
  let centered = settings[at.row + 6u] != 0.0;
  let grad = g[i] + decay * p[i];
  let s = alpha * squares[i] + rest * grad * grad;
  squares[i] = s;
  var variance = s;
  if (centered) {
    let a = means[i] + rest * (grad - means[i]);
    means[i] = a;
    // Where the gradient is constant, rounding may leave less than nothing.
    variance = max(s - a * a, vec4f(0.0));
  }
  var step = grad / select(sqrt(variance) + eps, sqrt(variance + eps), vec4<bool>(settings[at.row + 7u] != 0.0));
  if (momentum != 0.0) {
    step += momentum * velocity[i];
    velocity[i] = step;
  }
  p[i] -= lr * step;
}
