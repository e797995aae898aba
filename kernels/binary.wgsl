// y = f(a, b) elementwise over operands of one shape and layout, or with b one value a channel of a channels-last a
// (B_PERIOD vec4 groups), or a single value (B_SCALAR). OP chooses f (the table in src/ops/binary.ts names them).
const COUNT: u32 = 1u; // vec4 groups
const OP: u32 = 0u;
const B_PERIOD: u32 = 0u;
const B_SCALAR: bool = false;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

fn apply(u: vec4f, v: vec4f) -> vec4f {
  switch (OP) {
    case 0u: { return u + v; }
    case 1u: { return u - v; }
    case 2u: { return u * v; }
    case 3u: { return u / v; }
    case 4u: { return max(u, v); }
    case 5u: { return min(u, v); }
    // u where v > 0: the gradient of ReLU, v being its output
    case 6u: { return select(vec4f(0.0), u, v > vec4f(0.0)); }
    case 7u: { return vec4f(u > v); }
    case 8u: { return vec4f(u == v); }
    default: { return u; }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  var v: vec4f;
  if (B_SCALAR) {
    v = vec4f(b[0].x);
  } else if (B_PERIOD > 0u) {
    v = b[i % max(B_PERIOD, 1u)];
  } else {
    v = b[i];
  }
  y[i] = apply(a[i], v);
}
