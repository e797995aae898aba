// Average pooling of NHWC: the sum over the window's elements inside the picture, divided by how many there are inside it,
// or inside the padded picture. With ceil mode a window may hang over the padding; what lies beyond never counts.
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four
// Divided by, and few: sizes come in a buffer, so that one pipeline serves all shapes.
const STRIDE_H: i32 = 1i;
const STRIDE_W: i32 = 1i;
const DILATION_H: i32 = 1i;
const DILATION_W: i32 = 1i;

alias F = f32;

struct Window {
  count: u32, // elements written / WIDTH
  c: u32, // channels / WIDTH
  ih: i32,
  iw: i32,
  oh: i32,
  ow: i32,
  kh: i32,
  kw: i32,
  pad_t: i32,
  pad_l: i32,
  // Where elements are counted from and to, relative to the picture: its own edges, or those of its padding.
  count_t: i32,
  count_l: i32,
  count_b: i32,
  count_r: i32,
}

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read_write> y: array<F>;
@group(0) @binding(2) var<uniform> window: Window;

// Taps of a window from `start` on that lie in [low, high).
fn taps(start: i32, extent: i32, dilation: i32, low: i32, high: i32) -> i32 {
  let last = min(extent, (high - start + dilation - 1) / dilation);
  return last - max(0, (low - start + dilation - 1) / dilation);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  let g = window;
  if (i >= g.count) {
    return;
  }
  let c = i % g.c;
  let p = i / g.c;
  let t = p / u32(g.ow);
  let image = i32(t / u32(g.oh));
  let top = i32(t % u32(g.oh)) * STRIDE_H - g.pad_t;
  let left = i32(p % u32(g.ow)) * STRIDE_W - g.pad_l;
  let kh1 = min(g.kh, (g.ih - top + DILATION_H - 1) / DILATION_H);
  let kw1 = min(g.kw, (g.iw - left + DILATION_W - 1) / DILATION_W);
  var acc = F(0.0);
  for (var kh = max(0, (DILATION_H - 1 - top) / DILATION_H); kh < kh1; kh++) {
    for (var kw = max(0, (DILATION_W - 1 - left) / DILATION_W); kw < kw1; kw++) {
      acc += x[u32((image * g.ih + top + kh * DILATION_H) * g.iw + left + kw * DILATION_W) * g.c + c];
    }
  }
  let rows = taps(top, g.kh, DILATION_H, g.count_t, g.count_b);
  let elements = rows * taps(left, g.kw, DILATION_W, g.count_l, g.count_r);
  y[i] = acc / f32(max(elements, 1));
}
