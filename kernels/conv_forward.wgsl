// Convolution as an implicit GEMM: y[m, n] = sum over taps and channels of x[pixel(m, tap), k] * w[tap, k, n],
// m = (image, oy, ox) flattened, n = output channel. Each invocation keeps an 8 x 8 tile of y in registers and needs
// no barrier: on software adapters loads dominate and barriers are dear.
// x is NHWC, w is HWIO, y is NHWC, all in groups of four channels.
// Epilogue: y = acc * scale[n] + shift[n] (folded BatchNorm, bias), + residual, ReLU.
const M: u32 = 1u; // images * OH * OW
const N4: u32 = 1u; // output channels / 4
const K4: u32 = 1u; // input channels / 4
const IH: i32 = 1i;
const IW: i32 = 1i;
const OH: u32 = 1u;
const OW: u32 = 1u;
const KH: i32 = 1i;
const KW: i32 = 1i;
const STRIDE_H: i32 = 1i;
const STRIDE_W: i32 = 1i;
const PAD_T: i32 = 0i;
const PAD_L: i32 = 0i;
const DILATION_H: i32 = 1i;
const DILATION_W: i32 = 1i;
const PADDED: bool = true; // false: no tap ever leaves the picture
const M_TILES: u32 = 1u;
const TILES: u32 = 1u;
const HAS_SCALE: bool = false;
const HAS_SHIFT: bool = false;
const HAS_RESIDUAL: bool = false;
const RELU: bool = false;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<vec4f>;
@group(0) @binding(3) var<storage, read> shift: array<vec4f>;
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

// Top left corner (y, x) of row m's window and the first pixel of its image. Rows past the end repeat the last one.
fn row(m: u32) -> vec3i {
  let i = min(m, M - 1u);
  let ox = i % OW;
  let t = i / OW;
  let oy = t % OH;
  return vec3i(i32(oy) * STRIDE_H - PAD_T, i32(ox) * STRIDE_W - PAD_L, i32(t / OH) * (IH * IW));
}

// First vec4 of the pixel under tap (kh, kw), or -1 outside the picture.
fn address(r: vec3i, kh: i32, kw: i32) -> i32 {
  let iy = r.x + kh * DILATION_H;
  let ix = r.y + kw * DILATION_W;
  let p = (r.z + iy * IW + ix) * i32(K4);
  if (PADDED) {
    return select(-1, p, iy >= 0 && iy < IH && ix >= 0 && ix < IW);
  }
  return p;
}

fn fetch(p: i32, k: u32) -> vec4f {
  if (PADDED) {
    return select(vec4f(0.0), x[u32(max(p, 0)) + k], p >= 0);
  }
  return x[u32(p) + k];
}

fn finish(acc: vec4f, at: u32, n: u32) -> vec4f {
  var v = acc;
  if (HAS_SCALE) {
    v *= scale[n];
  }
  if (HAS_SHIFT) {
    v += shift[n];
  }
  if (HAS_RESIDUAL) {
    v += residual[at];
  }
  if (RELU) {
    v = select(v, vec4f(0.0), v <= vec4f(0.0));
  }
  return v;
}

fn store(m: u32, n: u32, c0: vec4f, c1: vec4f) {
  if (m >= M) {
    return;
  }
  let at = m * N4 + n;
  y[at] = finish(c0, at, n);
  if (n + 1u < N4) {
    y[at + 1u] = finish(c1, at + 1u, n + 1u);
  }
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let tile = gid.x + gid.y * (groups.x * 32u);
  if (tile >= TILES) {
    return;
  }
  let m = (tile % M_TILES) * 8u;
  let n = (tile / M_TILES) * 2u;
  // An odd number of groups leaves half a tile: it recomputes the last group and does not store it.
  let n1 = min(n + 1u, N4 - 1u);
  let r0 = row(m + 0u);
  let r1 = row(m + 1u);
  let r2 = row(m + 2u);
  let r3 = row(m + 3u);
  let r4 = row(m + 4u);
  let r5 = row(m + 5u);
  let r6 = row(m + 6u);
  let r7 = row(m + 7u);
  var c00 = vec4f(0.0);
  var c01 = vec4f(0.0);
  var c10 = vec4f(0.0);
  var c11 = vec4f(0.0);
  var c20 = vec4f(0.0);
  var c21 = vec4f(0.0);
  var c30 = vec4f(0.0);
  var c31 = vec4f(0.0);
  var c40 = vec4f(0.0);
  var c41 = vec4f(0.0);
  var c50 = vec4f(0.0);
  var c51 = vec4f(0.0);
  var c60 = vec4f(0.0);
  var c61 = vec4f(0.0);
  var c70 = vec4f(0.0);
  var c71 = vec4f(0.0);
  for (var kh = 0; kh < KH; kh++) {
    for (var kw = 0; kw < KW; kw++) {
      let p0 = address(r0, kh, kw);
      let p1 = address(r1, kh, kw);
      let p2 = address(r2, kh, kw);
      let p3 = address(r3, kh, kw);
      let p4 = address(r4, kh, kw);
      let p5 = address(r5, kh, kw);
      let p6 = address(r6, kh, kw);
      let p7 = address(r7, kh, kw);
      let tap = u32(kh * KW + kw) * K4 * 4u * N4;
      var at0 = tap + n;
      var at1 = tap + n1;
      for (var k = 0u; k < K4; k++) {
        let a0 = fetch(p0, k);
        let a1 = fetch(p1, k);
        let a2 = fetch(p2, k);
        let a3 = fetch(p3, k);
        let a4 = fetch(p4, k);
        let a5 = fetch(p5, k);
        let a6 = fetch(p6, k);
        let a7 = fetch(p7, k);
        let b00 = w[at0 + 0u * N4];
        let b01 = w[at1 + 0u * N4];
        c00 = fma(vec4f(a0.x), b00, c00);
        c01 = fma(vec4f(a0.x), b01, c01);
        c10 = fma(vec4f(a1.x), b00, c10);
        c11 = fma(vec4f(a1.x), b01, c11);
        c20 = fma(vec4f(a2.x), b00, c20);
        c21 = fma(vec4f(a2.x), b01, c21);
        c30 = fma(vec4f(a3.x), b00, c30);
        c31 = fma(vec4f(a3.x), b01, c31);
        c40 = fma(vec4f(a4.x), b00, c40);
        c41 = fma(vec4f(a4.x), b01, c41);
        c50 = fma(vec4f(a5.x), b00, c50);
        c51 = fma(vec4f(a5.x), b01, c51);
        c60 = fma(vec4f(a6.x), b00, c60);
        c61 = fma(vec4f(a6.x), b01, c61);
        c70 = fma(vec4f(a7.x), b00, c70);
        c71 = fma(vec4f(a7.x), b01, c71);
        let b10 = w[at0 + 1u * N4];
        let b11 = w[at1 + 1u * N4];
        c00 = fma(vec4f(a0.y), b10, c00);
        c01 = fma(vec4f(a0.y), b11, c01);
        c10 = fma(vec4f(a1.y), b10, c10);
        c11 = fma(vec4f(a1.y), b11, c11);
        c20 = fma(vec4f(a2.y), b10, c20);
        c21 = fma(vec4f(a2.y), b11, c21);
        c30 = fma(vec4f(a3.y), b10, c30);
        c31 = fma(vec4f(a3.y), b11, c31);
        c40 = fma(vec4f(a4.y), b10, c40);
        c41 = fma(vec4f(a4.y), b11, c41);
        c50 = fma(vec4f(a5.y), b10, c50);
        c51 = fma(vec4f(a5.y), b11, c51);
        c60 = fma(vec4f(a6.y), b10, c60);
        c61 = fma(vec4f(a6.y), b11, c61);
        c70 = fma(vec4f(a7.y), b10, c70);
        c71 = fma(vec4f(a7.y), b11, c71);
        let b20 = w[at0 + 2u * N4];
        let b21 = w[at1 + 2u * N4];
        c00 = fma(vec4f(a0.z), b20, c00);
        c01 = fma(vec4f(a0.z), b21, c01);
        c10 = fma(vec4f(a1.z), b20, c10);
        c11 = fma(vec4f(a1.z), b21, c11);
        c20 = fma(vec4f(a2.z), b20, c20);
        c21 = fma(vec4f(a2.z), b21, c21);
        c30 = fma(vec4f(a3.z), b20, c30);
        c31 = fma(vec4f(a3.z), b21, c31);
        c40 = fma(vec4f(a4.z), b20, c40);
        c41 = fma(vec4f(a4.z), b21, c41);
        c50 = fma(vec4f(a5.z), b20, c50);
        c51 = fma(vec4f(a5.z), b21, c51);
        c60 = fma(vec4f(a6.z), b20, c60);
        c61 = fma(vec4f(a6.z), b21, c61);
        c70 = fma(vec4f(a7.z), b20, c70);
        c71 = fma(vec4f(a7.z), b21, c71);
        let b30 = w[at0 + 3u * N4];
        let b31 = w[at1 + 3u * N4];
        c00 = fma(vec4f(a0.w), b30, c00);
        c01 = fma(vec4f(a0.w), b31, c01);
        c10 = fma(vec4f(a1.w), b30, c10);
        c11 = fma(vec4f(a1.w), b31, c11);
        c20 = fma(vec4f(a2.w), b30, c20);
        c21 = fma(vec4f(a2.w), b31, c21);
        c30 = fma(vec4f(a3.w), b30, c30);
        c31 = fma(vec4f(a3.w), b31, c31);
        c40 = fma(vec4f(a4.w), b30, c40);
        c41 = fma(vec4f(a4.w), b31, c41);
        c50 = fma(vec4f(a5.w), b30, c50);
        c51 = fma(vec4f(a5.w), b31, c51);
        c60 = fma(vec4f(a6.w), b30, c60);
        c61 = fma(vec4f(a6.w), b31, c61);
        c70 = fma(vec4f(a7.w), b30, c70);
        c71 = fma(vec4f(a7.w), b31, c71);
        at0 += 4u * N4;
        at1 += 4u * N4;
      }
    }
  }
  store(m + 0u, n, c00, c01);
  store(m + 1u, n, c10, c11);
  store(m + 2u, n, c20, c21);
  store(m + 3u, n, c30, c31);
  store(m + 4u, n, c40, c41);
  store(m + 5u, n, c50, c51);
  store(m + 6u, n, c60, c61);
  store(m + 7u, n, c70, c71);
}
