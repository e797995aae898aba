// y[OUT_OFFSET + sum c_k OS_k] = x[IN_OFFSET + sum (c_k - P_k) IS_k] for every coordinate c of D0 x ... x D5, or FILL
// where MASKED and some c_k - P_k lies outside [0, L_k). Layout changes, transposes, slices, pads, concatenations and
// broadcasts are all this. Words are moved as u32, so that i32 indices survive (as f32 they would be denormal).
const D0: u32 = 1u;
const D1: u32 = 1u;
const D2: u32 = 1u;
const D3: u32 = 1u;
const D4: u32 = 1u;
const D5: u32 = 1u;
const IS0: i32 = 0i;
const IS1: i32 = 0i;
const IS2: i32 = 0i;
const IS3: i32 = 0i;
const IS4: i32 = 0i;
const IS5: i32 = 1i;
const OS0: u32 = 0u;
const OS1: u32 = 0u;
const OS2: u32 = 0u;
const OS3: u32 = 0u;
const OS4: u32 = 0u;
const OS5: u32 = 1u;
const P0: i32 = 0i;
const P1: i32 = 0i;
const P2: i32 = 0i;
const P3: i32 = 0i;
const P4: i32 = 0i;
const P5: i32 = 0i;
const L0: i32 = 1i;
const L1: i32 = 1i;
const L2: i32 = 1i;
const L3: i32 = 1i;
const L4: i32 = 1i;
const L5: i32 = 1i;
const IN_OFFSET: i32 = 0i;
const OUT_OFFSET: u32 = 0u;
const MASKED: bool = false;
const FILL: f32 = 0.0f;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

fn outside(c: i32, extent: i32) -> bool {
  return c < 0 || c >= extent;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var i = gid.x + gid.y * (groups.x * 64u);
  if (i >= D0 * D1 * D2 * D3 * D4 * D5) {
    return;
  }
  let c5 = i % D5;
  i /= D5;
  let c4 = i % D4;
  i /= D4;
  let c3 = i % D3;
  i /= D3;
  let c2 = i % D2;
  i /= D2;
  let c1 = i % D1;
  let c0 = i / D1;
  let to = OUT_OFFSET + c0 * OS0 + c1 * OS1 + c2 * OS2 + c3 * OS3 + c4 * OS4 + c5 * OS5;
  let s0 = i32(c0) - P0;
  let s1 = i32(c1) - P1;
  let s2 = i32(c2) - P2;
  let s3 = i32(c3) - P3;
  let s4 = i32(c4) - P4;
  let s5 = i32(c5) - P5;
  if (MASKED) {
    if (outside(s0, L0) || outside(s1, L1) || outside(s2, L2) || outside(s3, L3) || outside(s4, L4) || outside(s5, L5)) {
      y[to] = bitcast<u32>(FILL);
      return;
    }
  }
  y[to] = x[u32(IN_OFFSET + s0 * IS0 + s1 * IS1 + s2 * IS2 + s3 * IS3 + s4 * IS4 + s5 * IS5)];
}
