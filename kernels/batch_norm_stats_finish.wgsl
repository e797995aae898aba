// Joins the parts [parts, 2, c] of kernels/batch_norm_stats.wgsl by the rule of Chan, Golub and LeVeque (1979): for groups
// of n and m elements with means a and b, mean = a + (b - a) m / (n + m), and the squares grow by (b - a)^2 n m / (n + m).
// variance is the biased one.

struct Sizes {
  rows: u32,
  c: u32, // channels
  parts: u32,
}

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> mean: array<f32>;
@group(0) @binding(2) var<storage, read_write> variance: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = gid.x + gid.y * (groups.x * 64u);
  if (c >= sizes.c) {
    return;
  }
  var n = 0.0;
  var average = 0.0;
  var squares = 0.0;
  for (var p = 0u; p < sizes.parts; p++) {
    let m = f32((sizes.rows - p + sizes.parts - 1u) / sizes.parts);
    let gap = parts[p * 2u * sizes.c + c] - average;
    let share = m / (n + m);
    average += gap * share;
    squares += parts[p * 2u * sizes.c + sizes.c + c] + gap * gap * n * share;
    n += m;
  }
  mean[c] = average;
  variance[c] = squares / f32(sizes.rows);
}
