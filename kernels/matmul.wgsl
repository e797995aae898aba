// y[b] = op(A[b]) op(B[b]), row-major, a 4 x 4 tile an invocation in registers, no barrier. Transposition is a matter of
// strides: A[m, k] at m * A_M + k * A_K, B[k, n] at k * B_K + n * B_N.
const M: u32 = 1u;
const N: u32 = 1u;
const K: u32 = 1u;
const A_M: u32 = 1u;
const A_K: u32 = 1u;
const B_K: u32 = 1u;
const B_N: u32 = 1u;
const A_BATCH: u32 = 0u;
const B_BATCH: u32 = 0u;
const M_TILES: u32 = 1u;
const TILES: u32 = 1u;
// Summands that are added up by themselves first: errors grow with the longer of the two sums, not with K.
const BLOCK: u32 = 32u;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn store(batch: u32, m: u32, n: u32, v: vec4f) {
  if (m >= M) {
    return;
  }
  let at = (batch * M + m) * N + n;
  y[at] = v.x;
  if (n + 1u < N) {
    y[at + 1u] = v.y;
  }
  if (n + 2u < N) {
    y[at + 2u] = v.z;
  }
  if (n + 3u < N) {
    y[at + 3u] = v.w;
  }
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let tile = gid.x + gid.y * (groups.x * 32u);
  if (tile >= TILES) {
    return;
  }
  let batch = gid.z;
  let m = (tile % M_TILES) * 4u;
  let n = (tile / M_TILES) * 4u;
  // Rows and columns past the end repeat the last one, and are not stored.
  var pa = batch * A_BATCH + min(vec4u(m, m + 1u, m + 2u, m + 3u), vec4u(M - 1u)) * A_M;
  var pb = batch * B_BATCH + min(vec4u(n, n + 1u, n + 2u, n + 3u), vec4u(N - 1u)) * B_N;
  var c0 = vec4f(0.0);
  var c1 = vec4f(0.0);
  var c2 = vec4f(0.0);
  var c3 = vec4f(0.0);
  for (var done = 0u; done < K; done += BLOCK) {
    var s0 = vec4f(0.0);
    var s1 = vec4f(0.0);
    var s2 = vec4f(0.0);
    var s3 = vec4f(0.0);
    for (var k = done; k < min(done + BLOCK, K); k++) {
      let v = vec4f(b[pb.x], b[pb.y], b[pb.z], b[pb.w]);
      s0 = fma(vec4f(a[pa.x]), v, s0);
      s1 = fma(vec4f(a[pa.y]), v, s1);
      s2 = fma(vec4f(a[pa.z]), v, s2);
      s3 = fma(vec4f(a[pa.w]), v, s3);
      pa += vec4u(A_K);
      pb += vec4u(B_K);
    }
    c0 += s0;
    c1 += s1;
    c2 += s2;
    c3 += s3;
  }
  store(batch, m, n, c0);
  store(batch, m + 1u, n, c1);
  store(batch, m + 2u, n, c2);
  store(batch, m + 3u, n, c3);
}
