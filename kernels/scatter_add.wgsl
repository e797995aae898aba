// Gradient of gather where the indices come at run time: dx[o, k, i] = sum of dy[o, j, i] over the j with index[j] = k,
// in the order of j. Every element looks through all indices: no float atomics, the same bits on every run.
struct Lines {
  count: u32, // elements of dx
  inner: u32,
  rows: u32, // indices
  extent: i32, // of dx along the axis
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> lines: Lines;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  let g = lines;
  if (i >= g.count) {
    return;
  }
  let t = i / g.inner;
  let k = i32(t % u32(g.extent));
  let first = (t / u32(g.extent)) * g.rows * g.inner + i % g.inner;
  var acc = 0.0;
  for (var j = 0u; j < g.rows; j++) {
    let at = index[j];
    if (at == k || at + g.extent == k) {
      acc += dy[first + j * g.inner];
    }
  }
  dx[i] = acc;
}
