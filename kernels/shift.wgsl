// y at (h, w) = x at ((h - SIGN * offset[0]) mod H, (w - SIGN * offset[1]) mod W): a roll on the torus, the offsets
// given at run time. x and y are stored alike, with strides SH and SW, so any order of the axes will do.
const COUNT: u32 = 1u;
const H: i32 = 1i;
const W: i32 = 1i;
const SH: i32 = 1i;
const SW: i32 = 1i;
const SIGN: i32 = 1i;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> offset: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

// WGSL's % keeps the sign of the dividend.
fn wrap(i: i32, n: i32) -> i32 {
  return ((i % n) + n) % n;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let h = (i32(i) / SH) % H;
  let w = (i32(i) / SW) % W;
  let from_h = wrap(h - SIGN * wrap(offset[0], H), H);
  let from_w = wrap(w - SIGN * wrap(offset[1], W), W);
  y[i] = x[i32(i) + (from_h - h) * SH + (from_w - w) * SW];
}
