// Standard normal numbers from a counter: y[i] by Box and Muller (1958) from two uniform numbers, which are the PCG hash
// of i and a seed; each part of the elements has a seed of its own, and i counts within it (Jarzynski and Olano 2020, "Hash functions for GPU rendering", pcg3d).
struct Sizes {
  count: u32, // pairs of a part
  total: u32, // elements of a part
  parts: u32,
}

@group(0) @binding(0) var<storage, read> seed: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn pcg3d(at: vec3u) -> vec3u {
  var v = at * 1664525u + 1013904223u;
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v ^= v >> vec3u(16u);
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  return v;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= sizes.count * sizes.parts) {
    return;
  }
  let part = i / sizes.count;
  let pair = i - part * sizes.count;
  let bits = pcg3d(vec3u(pair, u32(seed[2u * part]), u32(seed[2u * part + 1u])));
  // In (0, 1], so that the logarithm is finite; 24 bits, so that the conversion is exact.
  let u = f32((bits.x >> 8u) + 1u) * 5.9604644775390625e-8;
  let angle = f32(bits.y >> 8u) * 3.7450702829239286e-7; // 2 pi / 2^24
  let radius = sqrt(-2.0 * log(u));
  let at = part * sizes.total + 2u * pair;
  y[at] = radius * cos(angle);
  if (2u * pair + 1u < sizes.total) {
    y[at + 1u] = radius * sin(angle);
  }
}
