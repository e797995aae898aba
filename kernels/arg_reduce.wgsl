// y[line] = j of the largest (OP 0) or smallest (OP 1) x[line, j]: the first of equals, or the last (LAST). NaN is both
// the largest and the smallest, as in PyTorch. Element j of line i is at (i / inner * extent + j) * inner + i % inner.
const OP: u32 = 0u;
const LAST: bool = false;

struct Lines {
  count: u32,
  extent: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(0) @binding(2) var<uniform> lines: Lines;

// Drivers may take x != x for false: NaN is told by its bits.
fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn wins(v: f32, best: f32) -> bool {
  if (is_nan(best)) {
    return LAST && is_nan(v);
  }
  let better = select((v < best), (v > best), OP == 0u);
  return better || is_nan(v) || (LAST && v == best);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= lines.count) {
    return;
  }
  let inner = lines.inner;
  let first = (i / inner) * lines.extent * inner + i % inner;
  var best = x[first];
  var winner = 0u;
  for (var j = 1u; j < lines.extent; j++) {
    let v = x[first + j * inner];
    if (wins(v, best)) {
      best = v;
      winner = j;
    }
  }
  y[i] = i32(winner);
}
