// Behind a sum: adds its parts up, x[part, i], in the order of the parts, which makes split sums repeatable, and takes
// the epilogue's steps. With one part it is the elementwise pass of any op. Channels last; WIDTH 4 where they come in
// groups of four.
const WIDTH: u32 = 1u;

alias F = f32;
alias U = u32;

struct Geometry {
  count: u32, // elements / WIDTH
  channels: u32, // channels / WIDTH
  parts: u32,
}

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read_write> y: array<F>;
@group(0) @binding(2) var<storage, read> geometry: Geometry;
@group(0) @binding(3) var<storage, read> scale: array<F>;
@group(0) @binding(4) var<storage, read> shift: array<F>;
@group(0) @binding(5) var<storage, read> residual: array<F>;
@group(0) @binding(6) var<storage, read> gate: array<U>;
// @include parts/epilogue.wgsl

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= geometry.count) {
    return;
  }
  var sum = x[i];
  for (var p = 1u; p < geometry.parts; p++) {
    sum += x[p * geometry.count + i];
  }
  let channel = i % geometry.channels;
  y[i] = epilogue(sum, i, scale[channel], shift[channel]);
}
