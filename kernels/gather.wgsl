// y[o, j, i] = x[o, index[j], i]; negative indices count from the end. An index outside gives MISSING (NaN, or the least
// i32), so that it cannot pass for a value. Words are moved as u32: i32 tensors and NaN payloads survive.
struct Lines {
  count: u32, // elements of y
  inner: u32,
  rows: u32, // indices
  extent: i32, // of x along the axis
  missing: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> lines: Lines;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  let g = lines;
  if (i >= g.count) {
    return;
  }
  let t = i / g.inner;
  var at = index[t % g.rows];
  if (at < 0) {
    at += g.extent;
  }
  if (at < 0 || at >= g.extent) {
    y[i] = g.missing;
    return;
  }
  y[i] = x[(t / g.rows * u32(g.extent) + u32(at)) * g.inner + i % g.inner];
}
