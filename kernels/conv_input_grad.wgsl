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

// (iy, ix, image) of row m in a phase; iy or ix may lie past the picture, and then nothing is stored.
fn row(g: Geometry, m: u32, phase: vec2i) -> vec3i {
  let i = min(m, g.m - 1u);
  let t = i / g.qw;
  let iy = i32(t % g.qh) * g.stride_h + phase.x;
  let ix = i32(i % g.qw) * g.stride_w + phase.y;
  return vec3i(select(iy, g.ih, m >= g.m), ix, i32(t / g.qh));
}

// First vec4 of the output pixel that tap (kh, kw) sends to this input pixel, or -1.
fn address(g: Geometry, r: vec3i, kh: i32, kw: i32) -> i32 {
  if (!PADDED) {
    return ((r.z * g.oh + min(r.x, g.ih - 1)) * g.ow + r.y) * i32(g.k4);
  }
  let ty = r.x + g.pad_t - kh * g.dilation_h;
  let tx = r.y + g.pad_l - kw * g.dilation_w;
  let oy = ty / g.stride_h;
  let ox = tx / g.stride_w;
  return select(-1, ((r.z * g.oh + oy) * g.ow + ox) * i32(g.k4), ty >= 0 && tx >= 0 && oy < g.oh && ox < g.ow);
}

fn fetch(p: i32, k: u32) -> vec4f {
  if (PADDED) {
    return select(vec4f(0.0), dy[u32(max(p, 0)) + k], p >= 0);
  }
  return dy[u32(p) + k];
}

fn store(g: Geometry, r: vec3i, n: u32, c0: vec4f, c1: vec4f) {
  if (r.x >= g.ih || r.y >= g.iw) {
    return;
  }
  let at = u32((r.z * g.ih + r.x) * g.iw + r.y) * (g.ci / 4u) + n;
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
  let r0 = row(g, m + 0u, phase);
  let r1 = row(g, m + 1u, phase);
  let r2 = row(g, m + 2u, phase);
  let r3 = row(g, m + 3u, phase);
  let r4 = row(g, m + 4u, phase);
  let r5 = row(g, m + 5u, phase);
  let r6 = row(g, m + 6u, phase);
  let r7 = row(g, m + 7u, phase);
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
    for (var kw = 0; kw < g.kw; kw++) {
      if (!reaches(phase.y, g.pad_l, kw, g.dilation_w, g.stride_w)) {
        continue;
      }
      let p0 = address(g, r0, kh, kw);
      let p1 = address(g, r1, kh, kw);
      let p2 = address(g, r2, kh, kw);
      let p3 = address(g, r3, kh, kw);
      let p4 = address(g, r4, kh, kw);
      let p5 = address(g, r5, kh, kw);
      let p6 = address(g, r6, kh, kw);
      let p7 = address(g, r7, kh, kw);
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
  store(g, r0, n, c00, c01);
  store(g, r1, n, c10, c11);
  store(g, r2, n, c20, c21);
  store(g, r3, n, c30, c31);
  store(g, r4, n, c40, c41);
  store(g, r5, n, c50, c51);
  store(g, r6, n, c60, c61);
  store(g, r7, n, c70, c71);
}
