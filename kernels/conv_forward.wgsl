// Convolution as an implicit GEMM: y[m, n] = sum over taps and channels of x[pixel(m, tap), k] * w[tap, k, n],
// m = (image, oy, ox) flattened, n = output channel. Each invocation keeps an 8 x 8 tile of y in registers and needs
// no barrier: on software adapters loads dominate and barriers are dear.
// x is NHWC, w is HWIO, y is NHWC, all in groups of four channels.
const PADDED: bool = true; // false: no tap ever leaves the picture
// One pipeline serves all shapes: compiling is slow (half a second on software adapters), and nothing here divides
// inside the inner loop.
struct Geometry {
  m: u32, // images * OH * OW
  n4: u32, // output channels / 4
  k4: u32, // input channels / 4
  run: u32, // groups of four read in a row: k4, or a whole kernel row (then kw is 1) where no tap leaves the picture
  ih: i32,
  iw: i32,
  oh: u32,
  ow: u32,
  kh: i32,
  kw: i32,
  stride_h: i32,
  stride_w: i32,
  pad_t: i32,
  pad_l: i32,
  dilation_h: i32,
  dilation_w: i32,
  m_tiles: u32,
  tiles: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read> geometry: Geometry;

// Top left corner (y, x) of row m's window and the first pixel of its image. Rows past the end repeat the last one.
fn row(g: Geometry, m: u32) -> vec3i {
  let i = min(m, g.m - 1u);
  let ox = i % g.ow;
  let t = i / g.ow;
  let oy = t % g.oh;
  return vec3i(i32(oy) * g.stride_h - g.pad_t, i32(ox) * g.stride_w - g.pad_l, i32(t / g.oh) * (g.ih * g.iw));
}

// First pixel of the input row under tap row kh, or a large negative number above or below the picture.
fn line(g: Geometry, r: vec3i, kh: i32) -> i32 {
  let iy = r.x + kh * g.dilation_h;
  if (PADDED) {
    return select(-0x40000000, r.z + iy * g.iw, u32(iy) < u32(g.ih));
  }
  return r.z + iy * g.iw;
}

// First vec4 of the pixel under a tap of that row, or a negative number outside the picture.
fn address(g: Geometry, start: i32, left: i32, shift: i32) -> i32 {
  let ix = left + shift;
  if (PADDED) {
    return select(-1, (start + ix) * i32(g.k4), u32(ix) < u32(g.iw) && start >= 0);
  }
  return (start + ix) * i32(g.k4);
}

fn fetch(p: i32, k: u32) -> vec4f {
  if (PADDED) {
    return select(vec4f(0.0), x[u32(max(p, 0)) + k], p >= 0);
  }
  return x[u32(p) + k];
}

fn store(g: Geometry, m: u32, n: u32, c0: vec4f, c1: vec4f) {
  if (m >= g.m) {
    return;
  }
  let at = m * g.n4 + n;
  y[at] = c0;
  if (n + 1u < g.n4) {
    y[at + 1u] = c1;
  }
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let g = geometry;
  let tile = gid.x + gid.y * (groups.x * 32u);
  if (tile >= g.tiles) {
    return;
  }
  let m = (tile % g.m_tiles) * 8u;
  let n = (tile / g.m_tiles) * 2u;
  // An odd number of groups leaves half a tile: it recomputes the last group and does not store it.
  let n1 = min(n + 1u, g.n4 - 1u);
  let r0 = row(g, m + 0u);
  let r1 = row(g, m + 1u);
  let r2 = row(g, m + 2u);
  let r3 = row(g, m + 3u);
  let r4 = row(g, m + 4u);
  let r5 = row(g, m + 5u);
  let r6 = row(g, m + 6u);
  let r7 = row(g, m + 7u);
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
  for (var kh = 0; kh < g.kh; kh++) {
    let l0 = line(g, r0, kh);
    let l1 = line(g, r1, kh);
    let l2 = line(g, r2, kh);
    let l3 = line(g, r3, kh);
    let l4 = line(g, r4, kh);
    let l5 = line(g, r5, kh);
    let l6 = line(g, r6, kh);
    let l7 = line(g, r7, kh);
    for (var kw = 0; kw < g.kw; kw++) {
      let shift = kw * g.dilation_w;
      let p0 = address(g, l0, r0.y, shift);
      let p1 = address(g, l1, r1.y, shift);
      let p2 = address(g, l2, r2.y, shift);
      let p3 = address(g, l3, r3.y, shift);
      let p4 = address(g, l4, r4.y, shift);
      let p5 = address(g, l5, r5.y, shift);
      let p6 = address(g, l6, r6.y, shift);
      let p7 = address(g, l7, r7.y, shift);
      let tap = u32(kh * g.kw + kw) * g.run * 4u * g.n4;
      var at0 = tap + n;
      var at1 = tap + n1;
      for (var k = 0u; k < g.run; k++) {
        let a0 = fetch(p0, k);
        let a1 = fetch(p1, k);
        let a2 = fetch(p2, k);
        let a3 = fetch(p3, k);
        let a4 = fetch(p4, k);
        let a5 = fetch(p5, k);
        let a6 = fetch(p6, k);
        let a7 = fetch(p7, k);
        let b00 = w[at0 + 0u * g.n4];
        let b01 = w[at1 + 0u * g.n4];
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
        let b10 = w[at0 + 1u * g.n4];
        let b11 = w[at1 + 1u * g.n4];
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
        let b20 = w[at0 + 2u * g.n4];
        let b21 = w[at1 + 2u * g.n4];
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
        let b30 = w[at0 + 3u * g.n4];
        let b31 = w[at1 + 3u * g.n4];
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
        at0 += 4u * g.n4;
        at1 += 4u * g.n4;
      }
    }
  }
  store(g, m + 0u, n, c00, c01);
  store(g, m + 1u, n, c10, c11);
  store(g, m + 2u, n, c20, c21);
  store(g, m + 3u, n, c30, c31);
  store(g, m + 4u, n, c40, c41);
  store(g, m + 5u, n, c50, c51);
  store(g, m + 6u, n, c60, c61);
  store(g, m + 7u, n, c70, c71);
}
