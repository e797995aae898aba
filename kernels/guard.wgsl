// Looks for NaN and infinities in up to six tensors: flag = max(flag, rank of each tensor that has one). Ranks fall from
// `rank` for a to `rank - 5` for f, so that the largest names the first; 0 means that all are finite.
// By the bits: drivers may take NaN for a number. What lies behind a tensor's last element is not its own.
struct Tensors {
  rank: u32,
  count_a: u32,
  count_b: u32,
  count_c: u32,
  count_d: u32,
  count_e: u32,
  count_f: u32,
}

@group(0) @binding(0) var<storage, read> tensors: Tensors;
@group(0) @binding(1) var<storage, read> a: array<vec4u>;
@group(0) @binding(2) var<storage, read> b: array<vec4u>;
@group(0) @binding(3) var<storage, read> c: array<vec4u>;
@group(0) @binding(4) var<storage, read> d: array<vec4u>;
@group(0) @binding(5) var<storage, read> e: array<vec4u>;
@group(0) @binding(6) var<storage, read> f: array<vec4u>;
@group(0) @binding(7) var<storage, read_write> flag: atomic<u32>;

const EXPONENT: vec4u = vec4u(0x7f800000u);

fn is_bad(bits: vec4u, first: u32, count: u32) -> bool {
  let is_own = vec4u(first) + vec4u(0u, 1u, 2u, 3u) < vec4u(count);
  return any(((bits & EXPONENT) == EXPONENT) & is_own);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let stride = groups.x * 64u;
  var worst = 0u;
  for (var i = gid.x; 4u * i < tensors.count_f; i += stride) {
    worst = select(worst, tensors.rank - 5u, is_bad(f[i], 4u * i, tensors.count_f));
  }
  for (var i = gid.x; 4u * i < tensors.count_e; i += stride) {
    worst = select(worst, tensors.rank - 4u, is_bad(e[i], 4u * i, tensors.count_e));
  }
  for (var i = gid.x; 4u * i < tensors.count_d; i += stride) {
    worst = select(worst, tensors.rank - 3u, is_bad(d[i], 4u * i, tensors.count_d));
  }
  for (var i = gid.x; 4u * i < tensors.count_c; i += stride) {
    worst = select(worst, tensors.rank - 2u, is_bad(c[i], 4u * i, tensors.count_c));
  }
  for (var i = gid.x; 4u * i < tensors.count_b; i += stride) {
    worst = select(worst, tensors.rank - 1u, is_bad(b[i], 4u * i, tensors.count_b));
  }
  for (var i = gid.x; 4u * i < tensors.count_a; i += stride) {
    worst = select(worst, tensors.rank, is_bad(a[i], 4u * i, tensors.count_a));
  }
  if (worst > 0u) {
    atomicMax(&flag, worst);
  }
}
