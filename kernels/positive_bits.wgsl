// One bit for each element of x: whether a ReLU of it passes gradients, which is where it is not <= 0 (NaN passes). Of a
// group of four, component c goes into component c of a word, and 32 groups in a row share the words: group i is bit
// i % 32 of y[i / 32] (step BITS of parts/epilogue.wgsl).
struct Sizes {
  count: u32, // groups of four
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4u>;
@group(0) @binding(2) var<storage, read> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  let first = i * 32u;
  if (first >= sizes.count) {
    return;
  }
  var bits = vec4u(0u);
  for (var k = 0u; k < min(32u, sizes.count - first); k++) {
    bits |= select(vec4u(1u), vec4u(0u), x[first + k] <= vec4f(0.0)) << vec4u(k);
  }
  y[i] = bits;
}
