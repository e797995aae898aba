// Convolutions and matrix products as one sum: y[row, n] = sum over taps and k of a[pixel under tap, k] * b[tap, k, n].
// A row is an output pixel (image, qy, qx). The forward pass, each stride phase of the input gradient and a matrix
// product differ in the numbers below only. a and y are channels last, everything comes in groups of four channels.
struct Geometry {
  m: u32, // rows: images * qh * qw
  qh: u32,
  qw: u32,
  n4: u32, // columns / 4
  k4: u32, // channels of a / 4: from one pixel of a to the next
  run: u32, // groups of four read in a row under one tap: k4, or a whole kernel row where no tap leaves the picture
  run_part: u32, // the share of `run` that one part adds up
  parts: u32, // of the sum; above 1 they are written side by side, and gemm_finish.wgsl adds them up
  ah: i32, // extents of a
  aw: i32,
  step_h: i32, // pixels of a from one row of q to the next
  step_w: i32,
  from_h: i32, // the first tap's pixel, from q * step
  from_w: i32,
  tap_h: i32, // pixels from one tap to the next
  tap_w: i32,
  taps_h: u32,
  taps_w: u32,
  b_from: u32, // which tap of b is the first, and how far the next is
  b_tap_h: u32,
  b_tap_w: u32,
  yh: u32, // extents of y; q lies at q * y_step + y_from
  yw: u32,
  y_step_h: u32,
  y_step_w: u32,
  y_from_h: u32,
  y_from_w: u32,
  y4: u32, // groups of four in all of y: from one part to the next
  m_tiles: u32,
  tiles: u32, // of the largest phase
}

// Four neighbours of b as they are stored. With HALF they are two pairs of half floats (see specialize()).
const HALF: bool = false;
alias B = vec4f;
fn wide(v: B) -> vec4f { return v; }
const B_TRANSPOSED: bool = false; // b is [tap, n, k]

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read> geometry: array<Geometry>; // one a stride phase
@group(0) @binding(4) var<storage, read> scale: array<vec4f>;
@group(0) @binding(5) var<storage, read> shift: array<vec4f>;
@group(0) @binding(6) var<storage, read> residual: array<vec4f>;
@group(0) @binding(7) var<storage, read> gate: array<vec4u>;

// The pixel of a under row m's first tap, and the first pixel of its image. Rows past the end repeat the last one.
fn row(g: Geometry, m: u32) -> vec3i {
  let i = min(m, g.m - 1u);
  let t = i / g.qw;
  let q = vec2i(i32(t % g.qh), i32(i % g.qw));
  return vec3i(q * vec2i(g.step_h, g.step_w) + vec2i(g.from_h, g.from_w), i32(t / g.qh) * (g.ah * g.aw));
}

// First pixel of the line of a under a row of taps, or a large negative number above or below the picture.
fn line(g: Geometry, r: vec3i, tap: i32) -> i32 {
  let ay = r.x + tap * g.tap_h;
  return select(-0x40000000, r.z + ay * g.aw, u32(ay) < u32(g.ah));
}

// First vec4 of the pixel under a tap of that line, or a negative number outside the picture.
fn address(g: Geometry, start: i32, left: i32, tap: i32) -> i32 {
  let ax = left + tap * g.tap_w;
  return select(-1, (start + ax) * i32(g.k4), u32(ax) < u32(g.aw) && start >= 0);
}

// First vec4 of row m in y.
fn target_of(g: Geometry, m: u32) -> u32 {
  let t = m / g.qw;
  let yy = (t % g.qh) * g.y_step_h + g.y_from_h;
  let yx = (m % g.qw) * g.y_step_w + g.y_from_w;
  return (((t / g.qh) * g.yh + yy) * g.yw + yx) * g.n4;
}

// Four rows of b from `at`: four summands of each of four columns.
fn columns(at: u32, stride: u32) -> mat4x4f {
  let rows = mat4x4f(wide(b[at]), wide(b[at + stride]), wide(b[at + 2u * stride]), wide(b[at + 3u * stride]));
  if (B_TRANSPOSED) {
    return rows;
  }
  return transpose(rows);
}

// c + v * w, column by column: of this, software adapters keep the fewest variables in memory. The four products are
// added up before they meet the sum, which so is rounded once and not four times.
fn plus(c: vec4f, v: vec4f, w: mat4x4f) -> vec4f {
  return vec4f(along(c.x, v, w[0]), along(c.y, v, w[1]), along(c.z, v, w[2]), along(c.w, v, w[3]));
}

fn along(c: f32, v: vec4f, w: vec4f) -> f32 {
  return c + fma(v.w, w.w, fma(v.z, w.z, fma(v.y, w.y, v.x * w.x)));
}
