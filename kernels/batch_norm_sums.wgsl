// Per channel, in `parts` interleaved shares of the rows: sum of dy and sum of dy * (x - mean). y is [parts, 2, c].
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four

alias F = f32;

struct Sizes {
  rows: u32,
  c: u32, // channels / WIDTH
  parts: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<F>;
@group(0) @binding(1) var<storage, read> x: array<F>;
@group(0) @binding(2) var<storage, read> mean: array<F>;
@group(0) @binding(3) var<storage, read_write> y: array<F>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= sizes.c * sizes.parts) {
    return;
  }
  let c = i % sizes.c;
  let part = i / sizes.c;
  let centre = mean[c];
  var first = F(0.0);
  var second = F(0.0);
  for (var r = part; r < sizes.rows; r += sizes.parts) {
    let g = dy[r * sizes.c + c];
    first += g;
    second += g * (x[r * sizes.c + c] - centre);
  }
  y[part * 2u * sizes.c + c] = first;
  y[part * 2u * sizes.c + sizes.c + c] = second;
}
