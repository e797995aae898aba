// Separable linear resampling along one axis: y[o, j, i] = sum over taps t of weight[j, t] * x[o, first[j] + t, i], with
// the taps of each output made on the host (src/ops/resize.ts): bilinear, nearest, antialiased, or an adjoint of these.
const OUTER: u32 = 1u;
const IN: u32 = 1u;
const OUT: u32 = 1u;
const INNER: u32 = 1u;
const TAPS: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= OUTER * OUT * INNER) {
    return;
  }
  let inner = i % INNER;
  let j = (i / INNER) % OUT;
  let outer = i / (INNER * OUT);
  var acc = 0.0;
  for (var t = 0u; t < TAPS; t++) {
    let at = min(first[j] + t, IN - 1u);
    acc += weights[j * TAPS + t] * x[(outer * IN + at) * INNER + inner];
  }
  y[i] = acc;
}
