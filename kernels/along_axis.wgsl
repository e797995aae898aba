// A sparse matrix applied along one axis: y[o, j, i] = sum over t in [starts[j], starts[j + 1]) of weights[t] * x[o, columns[t], i].
// Resizing, padding by reflection and their gradients are all this (src/ops/along_axis.ts).
const WIDTH: u32 = 1u; // elements an invocation: 1, or 4 where `inner` is made of groups of four

alias F = f32;

struct Lines {
  count: u32, // elements of y / WIDTH
  inner: u32, // / WIDTH
  rows: u32, // of the matrix: extent of y along the axis
  extent: u32, // of x along the axis
}

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<F>;
@group(0) @binding(5) var<uniform> lines: Lines;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  let g = lines;
  if (i >= g.count) {
    return;
  }
  let t = i / g.inner;
  let j = t % g.rows;
  let first = (t / g.rows) * g.extent * g.inner + i % g.inner;
  var acc = F();
  let end = starts[j + 1u];
  for (var k = starts[j]; k < end; k++) {
    acc += weights[k] * x[first + columns[k] * g.inner];
  }
  y[i] = acc;
}
