// y = a where condition != 0 (NaN is true), else b, over operands of one layout, or one value for all of y (step 0).
struct Sizes {
  count: u32, // vec4 groups
  condition_step: u32,
  a_step: u32,
  b_step: u32,
}

@group(0) @binding(0) var<storage, read> condition: array<vec4f>;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<storage, read> sizes: Sizes;

fn group_of(v: vec4f, step: u32) -> vec4f {
  return select(v, vec4f(v.x), step == 0u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= sizes.count) {
    return;
  }
  let c = group_of(condition[i * sizes.condition_step], sizes.condition_step);
  let u = group_of(a[i * sizes.a_step], sizes.a_step);
  let v = group_of(b[i * sizes.b_step], sizes.b_step);
  // By the bits, so that NaN and denormals are not taken for 0.
  y[i] = select(u, v, (bitcast<vec4u>(c) & vec4u(0x7fffffffu)) == vec4u(0u));
}
