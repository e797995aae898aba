// dx = a[c] dy + b[c] (x - mean[c]) + d[c], channels fastest; coefficients is [3, c]: a, b, d.
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four

alias F = f32;

struct Sizes {
  count: u32, // elements / WIDTH
  c: u32, // channels / WIDTH
}

@group(0) @binding(0) var<storage, read> dy: array<F>;
@group(0) @binding(1) var<storage, read> x: array<F>;
@group(0) @binding(2) var<storage, read> mean: array<F>;
@group(0) @binding(3) var<storage, read> coefficients: array<F>;
@group(0) @binding(4) var<storage, read_write> dx: array<F>;
@group(0) @binding(5) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= sizes.count) {
    return;
  }
  let c = i % sizes.c;
  dx[i] = coefficients[c] * dy[i] + coefficients[sizes.c + c] * (x[i] - mean[c]) + coefficients[2u * sizes.c + c];
}
