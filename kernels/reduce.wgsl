// y[part, k] = op over r of x[k, r], for reduced elements r = part, part + parts, ...: neighbouring invocations read
// neighbouring elements. k0 x ... x k3 are the kept extents (row-major in y), r0 x r1 x r2 the reduced ones; ks and rs
// are their strides in x. NaN is the maximum, the minimum and everything else of what it is among, as in PyTorch.
const OP: u32 = 0u; // 0 sum, 1 maximum, 2 minimum, 3 product
const REDUCED: u32 = 3u; // reduced axes in use, the last ones

struct Extents {
  kept: u32, // k0 * ... * k3
  reduced: u32, // r0 * r1 * r2
  parts: u32,
  k1: u32,
  k2: u32,
  k3: u32,
  ks0: u32,
  ks1: u32,
  ks2: u32,
  ks3: u32,
  r1: u32,
  r2: u32,
  rs0: u32,
  rs1: u32,
  rs2: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> extents: Extents;

// Drivers may take x != x for false: NaN is told by its bits.
fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

// Offset of reduced element r.
fn place(r: u32) -> u32 {
  switch (REDUCED) {
    case 1u: { return r * extents.rs2; }
    case 2u: { return (r / extents.r2) * extents.rs1 + (r % extents.r2) * extents.rs2; }
    default: {
      let t = r / extents.r2;
      return (t / extents.r1) * extents.rs0 + (t % extents.r1) * extents.rs1 + (r % extents.r2) * extents.rs2;
    }
  }
}

fn joined(acc: f32, v: f32) -> f32 {
  switch (OP) {
    case 0u: { return acc + v; }
    case 1u: { return select(acc, v, (v > acc || is_nan(v)) && !is_nan(acc)); }
    case 2u: { return select(acc, v, (v < acc || is_nan(v)) && !is_nan(acc)); }
    default: { return acc * v; }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  let e = extents;
  if (i >= e.kept * e.parts) {
    return;
  }
  var k = i % e.kept;
  let k3 = k % e.k3;
  k /= e.k3;
  let k2 = k % e.k2;
  k /= e.k2;
  let base = (k / e.k1) * e.ks0 + (k % e.k1) * e.ks1 + k2 * e.ks2 + k3 * e.ks3;
  var r = i / e.kept;
  // The first element starts the result, so that no neutral element is needed; of an empty sum or product it is that.
  var acc = f32(OP / 3u);
  if (r < e.reduced) {
    acc = x[base + place(r)];
    r += e.parts;
  }
  for (; r < e.reduced; r += e.parts) {
    acc = joined(acc, x[base + place(r)]);
  }
  y[i] = acc;
}
