// Input gradient of a convolution: dx[pixel, ci] = sum over taps and co of dy[(pixel + pad - tap) / stride, co] *
// w[tap, ci, co]. Pixels are taken by stride phase (workgroup z), so that every invocation of a phase meets the same
// taps and no inserted zero is ever multiplied; a phase without taps writes zeros. The weights stay HWIO: both operands
// are vec4 along co, an 8 x 8 tile of dot products in registers, no barrier.
const M: u32 = 1u; // images * ceil(IH / STRIDE_H) * ceil(IW / STRIDE_W): pixels of the largest phase
const QH: u32 = 1u; // ceil(IH / STRIDE_H)
const QW: u32 = 1u;
const CI: u32 = 4u;
const K4: u32 = 1u; // output channels / 4
const IH: i32 = 1i;
const IW: i32 = 1i;
const OH: i32 = 1i;
const OW: i32 = 1i;
const KH: i32 = 1i;
const KW: i32 = 1i;
const STRIDE_H: i32 = 1i;
const STRIDE_W: i32 = 1i;
const PAD_T: i32 = 0i;
const PAD_L: i32 = 0i;
const DILATION_H: i32 = 1i;
const DILATION_W: i32 = 1i;
const PADDED: bool = true; // false: 1x1, stride 1, no padding
const M_TILES: u32 = 1u;
const TILES: u32 = 1u;

@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;

// (iy, ix, image) of row m in a phase; iy or ix may lie past the picture, and then nothing is stored.
fn row(m: u32, phase: vec2i) -> vec3i {
  let i = min(m, M - 1u);
  let t = i / QW;
  let iy = i32(t % QH) * STRIDE_H + phase.x;
  let ix = i32(i % QW) * STRIDE_W + phase.y;
  return vec3i(select(iy, IH, m >= M), ix, i32(t / QH));
}

// First vec4 of the output pixel that tap (kh, kw) sends to this input pixel, or -1.
fn address(r: vec3i, kh: i32, kw: i32) -> i32 {
  if (!PADDED) {
    return ((r.z * OH + min(r.x, IH - 1)) * OW + r.y) * i32(K4);
  }
  let ty = r.x + PAD_T - kh * DILATION_H;
  let tx = r.y + PAD_L - kw * DILATION_W;
  let oy = ty / STRIDE_H;
  let ox = tx / STRIDE_W;
  return select(-1, ((r.z * OH + oy) * OW + ox) * i32(K4), ty >= 0 && tx >= 0 && oy < OH && ox < OW);
}

fn fetch(p: i32, k: u32) -> vec4f {
  if (PADDED) {
    return select(vec4f(0.0), dy[u32(max(p, 0)) + k], p >= 0);
  }
  return dy[u32(p) + k];
}

fn store(r: vec3i, n: u32, c0: vec4f, c1: vec4f) {
  if (r.x >= IH || r.y >= IW) {
    return;
  }
  let at = u32((r.z * IH + r.x) * IW + r.y) * (CI / 4u) + n;
  dx[at] = c0;
  if (n + 1u < CI / 4u) {
    dx[at + 1u] = c1;
  }
}

// Whether tap k of an axis reaches pixels of this phase.
fn reaches(phase: i32, pad: i32, k: i32, dilation: i32, stride: i32) -> bool {
  return (phase + pad + (k * dilation) * (stride - 1)) % stride == 0;
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let tile = gid.x + gid.y * (groups.x * 32u);
  if (tile >= TILES) {
    return;
  }
  let phase = vec2i(i32(gid.z) / STRIDE_W, i32(gid.z) % STRIDE_W);
  let m = (tile % M_TILES) * 8u;
  let n = (tile / M_TILES) * 2u;
  let ci = n * 4u;
  let r0 = row(m + 0u, phase);
  let r1 = row(m + 1u, phase);
  let r2 = row(m + 2u, phase);
  let r3 = row(m + 3u, phase);
  let r4 = row(m + 4u, phase);
  let r5 = row(m + 5u, phase);
  let r6 = row(m + 6u, phase);
  let r7 = row(m + 7u, phase);
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
    if (!reaches(phase.x, PAD_T, kh, DILATION_H, STRIDE_H)) {
      continue;
    }
    for (var kw = 0; kw < KW; kw++) {
      if (!reaches(phase.y, PAD_L, kw, DILATION_W, STRIDE_W)) {
        continue;
      }
      let p0 = address(r0, kh, kw);
      let p1 = address(r1, kh, kw);
      let p2 = address(r2, kh, kw);
      let p3 = address(r3, kh, kw);
      let p4 = address(r4, kh, kw);
      let p5 = address(r5, kh, kw);
      let p6 = address(r6, kh, kw);
      let p7 = address(r7, kh, kw);
      let tap = u32(kh * KW + kw) * CI;
      let q0 = (tap + min(ci + 0u, CI - 1u)) * K4;
      let q1 = (tap + min(ci + 1u, CI - 1u)) * K4;
      let q2 = (tap + min(ci + 2u, CI - 1u)) * K4;
      let q3 = (tap + min(ci + 3u, CI - 1u)) * K4;
      let q4 = (tap + min(ci + 4u, CI - 1u)) * K4;
      let q5 = (tap + min(ci + 5u, CI - 1u)) * K4;
      let q6 = (tap + min(ci + 6u, CI - 1u)) * K4;
      let q7 = (tap + min(ci + 7u, CI - 1u)) * K4;
      for (var k = 0u; k < K4; k++) {
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
  store(r0, n, c00, c01);
  store(r1, n, c10, c11);
  store(r2, n, c20, c21);
  store(r3, n, c30, c31);
  store(r4, n, c40, c41);
  store(r5, n, c50, c51);
  store(r6, n, c60, c61);
  store(r7, n, c70, c71);
}
