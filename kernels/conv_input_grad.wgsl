// Input gradient of a convolution: dx[pixel, ci] = sum over taps and co of dy[(pixel + pad - tap) / stride, co] *
// w[tap, ci, co]. Pixels are taken by stride phase (workgroup z), so that every invocation of a phase meets the same
// taps and no inserted zero is ever multiplied; a phase without taps writes zeros. The weights stay HWIO: both operands
// are vec4 along co, an 8 x 8 tile of dot products in registers, no barrier.
const PADDED: bool = true; // false: 1x1, stride 1, no padding
// One pipeline serves all shapes: compiling is slow (half a second on software adapters), and nothing here divides
// inside the inner loop.
struct Geometry {
  m: u32, // images * ceil(IH / STRIDE_H) * ceil(IW / STRIDE_W): pixels of the largest phase
  qh: u32, // ceil(IH / STRIDE_H)
  qw: u32,
  ci: u32,
  k4: u32, // output channels / 4
  ih: i32,
  iw: i32,
  oh: i32,
  ow: i32,
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

@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(3) var<storage, read> geometry: Geometry;

// (qy, qx, first pixel of the image in dy) of row m: its pixel is q * stride + phase. Rows past the end repeat the last.
fn row(g: Geometry, m: u32) -> vec3i {
  let i = min(m, g.m - 1u);
  let t = i / g.qw;
  return vec3i(i32(t % g.qh), i32(i % g.qw), i32(t / g.qh) * (g.oh * g.ow));
}

// First pixel of the row of dy that a tap row `shift` away sends here, or a large negative number outside of dy.
fn line(g: Geometry, r: vec3i, shift: i32) -> i32 {
  let oy = r.x + shift;
  if (PADDED) {
    return select(-0x40000000, r.z + oy * g.ow, u32(oy) < u32(g.oh));
  }
  return r.z + oy * g.ow;
}

// First vec4 of the pixel of dy under a tap of that row, or a negative number.
fn address(g: Geometry, start: i32, qx: i32, shift: i32) -> i32 {
  let ox = qx + shift;
  if (PADDED) {
    return select(-1, (start + ox) * i32(g.k4), u32(ox) < u32(g.ow) && start >= 0);
  }
  return (start + ox) * i32(g.k4);
}

fn fetch(p: i32, k: u32) -> vec4f {
  if (PADDED) {
    return select(vec4f(0.0), dy[u32(max(p, 0)) + k], p >= 0);
  }
  return dy[u32(p) + k];
}

fn store(g: Geometry, m: u32, phase: vec2i, n: u32, c0: vec4f, c1: vec4f) {
  let t = m / g.qw;
  let iy = i32(t % g.qh) * g.stride_h + phase.x;
  let ix = i32(m % g.qw) * g.stride_w + phase.y;
  if (m >= g.m || iy >= g.ih || ix >= g.iw) {
    return;
  }
  let at = u32((i32(t / g.qh) * g.ih + iy) * g.iw + ix) * (g.ci / 4u) + n;
  dx[at] = c0;
  if (n + 1u < g.ci / 4u) {
    dx[at + 1u] = c1;
  }
}

// Whether tap k of an axis reaches pixels of this phase.
fn reaches(phase: i32, pad: i32, k: i32, dilation: i32, stride: i32) -> bool {
  return (phase + pad + (k * dilation) * (stride - 1)) % stride == 0;
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let g = geometry;
  let tile = gid.x + gid.y * (groups.x * 32u);
  if (tile >= g.tiles) {
    return;
  }
  let phase = vec2i(i32(gid.z) / g.stride_w, i32(gid.z) % g.stride_w);
  let m = (tile % g.m_tiles) * 8u;
  let n = (tile / g.m_tiles) * 2u;
  let ci = n * 4u;
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
    if (!reaches(phase.x, g.pad_t, kh, g.dilation_h, g.stride_h)) {
      continue;
    }
    // Exact: taps that do not divide were skipped.
    let down = (phase.x + g.pad_t - kh * g.dilation_h) / g.stride_h;
    let l0 = line(g, r0, down);
    let l1 = line(g, r1, down);
    let l2 = line(g, r2, down);
    let l3 = line(g, r3, down);
    let l4 = line(g, r4, down);
    let l5 = line(g, r5, down);
    let l6 = line(g, r6, down);
    let l7 = line(g, r7, down);
    for (var kw = 0; kw < g.kw; kw++) {
      if (!reaches(phase.y, g.pad_l, kw, g.dilation_w, g.stride_w)) {
        continue;
      }
      let right = (phase.y + g.pad_l - kw * g.dilation_w) / g.stride_w;
      let p0 = address(g, l0, r0.y, right);
      let p1 = address(g, l1, r1.y, right);
      let p2 = address(g, l2, r2.y, right);
      let p3 = address(g, l3, r3.y, right);
      let p4 = address(g, l4, r4.y, right);
      let p5 = address(g, l5, r5.y, right);
      let p6 = address(g, l6, r6.y, right);
      let p7 = address(g, l7, r7.y, right);
      let tap = u32(kh * g.kw + kw) * g.ci;
      let q0 = (tap + min(ci + 0u, g.ci - 1u)) * g.k4;
      let q1 = (tap + min(ci + 1u, g.ci - 1u)) * g.k4;
      let q2 = (tap + min(ci + 2u, g.ci - 1u)) * g.k4;
      let q3 = (tap + min(ci + 3u, g.ci - 1u)) * g.k4;
      let q4 = (tap + min(ci + 4u, g.ci - 1u)) * g.k4;
      let q5 = (tap + min(ci + 5u, g.ci - 1u)) * g.k4;
      let q6 = (tap + min(ci + 6u, g.ci - 1u)) * g.k4;
      let q7 = (tap + min(ci + 7u, g.ci - 1u)) * g.k4;
      for (var k = 0u; k < g.k4; k++) {
        let a0 = fetch(p0, k);
        let a1 = fetch(p1, k);
        let a2 = fetch(p2, k);
        let a3 = fetch(p3, k);
        let a4 = fetch(p4, k);
        let a5 = fetch(p5, k);
        let a6 = fetch(p6, k);
        let a7 = fetch(p7, k);
        let b0 = w[q0 + k];
        let b1 = w[q1 + k];
        let b2 = w[q2 + k];
        let b3 = w[q3 + k];
        let b4 = w[q4 + k];
        let b5 = w[q5 + k];
        let b6 = w[q6 + k];
        let b7 = w[q7 + k];
        c00 += vec4f(dot(a0, b0), dot(a0, b1), dot(a0, b2), dot(a0, b3));
        c01 += vec4f(dot(a0, b4), dot(a0, b5), dot(a0, b6), dot(a0, b7));
        c10 += vec4f(dot(a1, b0), dot(a1, b1), dot(a1, b2), dot(a1, b3));
        c11 += vec4f(dot(a1, b4), dot(a1, b5), dot(a1, b6), dot(a1, b7));
        c20 += vec4f(dot(a2, b0), dot(a2, b1), dot(a2, b2), dot(a2, b3));
        c21 += vec4f(dot(a2, b4), dot(a2, b5), dot(a2, b6), dot(a2, b7));
        c30 += vec4f(dot(a3, b0), dot(a3, b1), dot(a3, b2), dot(a3, b3));
        c31 += vec4f(dot(a3, b4), dot(a3, b5), dot(a3, b6), dot(a3, b7));
        c40 += vec4f(dot(a4, b0), dot(a4, b1), dot(a4, b2), dot(a4, b3));
        c41 += vec4f(dot(a4, b4), dot(a4, b5), dot(a4, b6), dot(a4, b7));
        c50 += vec4f(dot(a5, b0), dot(a5, b1), dot(a5, b2), dot(a5, b3));
        c51 += vec4f(dot(a5, b4), dot(a5, b5), dot(a5, b6), dot(a5, b7));
        c60 += vec4f(dot(a6, b0), dot(a6, b1), dot(a6, b2), dot(a6, b3));
        c61 += vec4f(dot(a6, b4), dot(a6, b5), dot(a6, b6), dot(a6, b7));
        c70 += vec4f(dot(a7, b0), dot(a7, b1), dot(a7, b2), dot(a7, b3));
        c71 += vec4f(dot(a7, b4), dot(a7, b5), dot(a7, b6), dot(a7, b7));
      }
    }
  }
  store(g, m + 0u, phase, n, c00, c01);
  store(g, m + 1u, phase, n, c10, c11);
  store(g, m + 2u, phase, n, c20, c21);
  store(g, m + 3u, phase, n, c30, c31);
  store(g, m + 4u, phase, n, c40, c41);
  store(g, m + 5u, phase, n, c50, c51);
  store(g, m + 6u, phase, n, c60, c61);
  store(g, m + 7u, phase, n, c70, c71);
}
