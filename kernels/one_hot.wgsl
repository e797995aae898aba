// y[i, c] = on where indices[i] = c, else off; the whole row is 0 where the index is `ignore`, `outside` where it is no
// class.
struct Sizes {
  count: u32, // elements of y
  classes: u32,
  on: u32, // bits of f32
  off: u32,
  outside: u32,
  ignores: u32, // 1: `ignore` holds
  ignore: i32,
}

@group(0) @binding(0) var<storage, read> indices: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= sizes.count) {
    return;
  }
  let index = indices[i / sizes.classes];
  var value = select(sizes.off, sizes.on, index == i32(i % sizes.classes));
  value = select(value, sizes.outside, index < 0 || index >= i32(sizes.classes));
  value = select(value, 0u, sizes.ignores != 0u && index == sizes.ignore);
  y[i] = bitcast<f32>(value);
}
