// y = f(x) elementwise, any layout; OP chooses f (the table in src/ops/unary.ts names them).
const COUNT: u32 = 1u; // vec4 groups
const OP: u32 = 0u;
const A: f32 = 0.0f; // clamp: minimum; scale and shift: y = A * x + B
const B: f32 = 0.0f; // clamp: maximum

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

// Software adapters answer max(0, NaN) = 0; a comparison that NaN fails keeps it, as PyTorch does.
fn relu(v: vec4f) -> vec4f {
  return select(v, vec4f(0.0), v <= vec4f(0.0));
}

fn sigmoid(v: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(-v));
}

fn apply(v: vec4f) -> vec4f {
  switch (OP) {
    case 0u: { return relu(v); }
    case 1u: { return -v; }
    case 2u: { return exp(v); }
    case 3u: { return log(v); }
    case 4u: { return sqrt(v); }
    case 5u: { return sigmoid(v); }
    // tanh overflows to NaN beyond about 88 on some drivers; it is 1 in f32 from 9.1 on.
    case 6u: { return tanh(clamp(v, vec4f(-10.0), vec4f(10.0))); }
    case 7u: { return min(max(v, vec4f(A)), vec4f(B)); }
    case 8u: { return abs(v); }
    case 9u: { return 1.0 / v; }
    case 10u: { return A * v + B; }
    case 11u: { return v * v; }
    case 12u: { return sign(v); }
    case 13u: { return inverseSqrt(v); }
    default: { return v; }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i < COUNT) {
    y[i] = apply(x[i]);
  }
}
