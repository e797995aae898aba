// Softmax or log-softmax along an axis, one line an invocation: element j of line i is at (i / INNER) * EXTENT * INNER +
// i % INNER + j * INNER. The maximum is taken off first, so that nothing overflows.
const LINES: u32 = 1u;
const EXTENT: u32 = 1u;
const INNER: u32 = 1u;
const LOG: bool = false;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= LINES) {
    return;
  }
  let first = (i / INNER) * EXTENT * INNER + i % INNER;
  var top = x[first];
  for (var j = 1u; j < EXTENT; j++) {
    top = max(top, x[first + j * INNER]);
  }
  var total = 0.0;
  for (var j = 0u; j < EXTENT; j++) {
    total += exp(x[first + j * INNER] - top);
  }
  let shift = top + log(total);
  for (var j = 0u; j < EXTENT; j++) {
    let at = first + j * INNER;
    if (LOG) {
      y[at] = x[at] - shift;
    } else {
      y[at] = exp(x[at] - top) / total;
    }
  }
}
