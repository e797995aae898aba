// y[part, k] = op over r of x[k, r], for reduced elements r = part, part + PARTS, ...: neighbouring invocations read
// neighbouring elements. K0 x K1 x K2 x K3 are the kept extents (row-major in y), R0 x R1 x R2 the reduced ones; KS and
// RS are their strides in x.
const OP: u32 = 0u; // 0 sum, 1 maximum, 2 minimum
const PARTS: u32 = 1u;
const OFFSET: u32 = 0u; // first element of x
const K0: u32 = 1u;
const K1: u32 = 1u;
const K2: u32 = 1u;
const K3: u32 = 1u;
const KS0: u32 = 0u;
const KS1: u32 = 0u;
const KS2: u32 = 0u;
const KS3: u32 = 0u;
const R0: u32 = 1u;
const R1: u32 = 1u;
const R2: u32 = 1u;
const RS0: u32 = 0u;
const RS1: u32 = 0u;
const RS2: u32 = 0u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  const KEPT = K0 * K1 * K2 * K3;
  if (i >= KEPT * PARTS) {
    return;
  }
  var k = i % KEPT;
  let k3 = k % K3;
  k /= K3;
  let k2 = k % K2;
  k /= K2;
  let base = OFFSET + (k / K1) * KS0 + (k % K1) * KS1 + k2 * KS2 + k3 * KS3;
  var acc = 0.0;
  if (OP != 0u) {
    acc = x[base];
  }
  for (var r = i / KEPT; r < R0 * R1 * R2; r += PARTS) {
    let v = x[base + (r / (R1 * R2)) * RS0 + ((r / R2) % R1) * RS1 + (r % R2) * RS2];
    switch (OP) {
      case 0u: { acc += v; }
      case 1u: { acc = max(acc, v); }
      default: { acc = min(acc, v); }
    }
  }
  y[i] = acc;
}
