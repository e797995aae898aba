// Gradient of average pooling, gathered: dx[pixel] = sum over covering windows of dy / (elements of the window).
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

@group(0) @binding(0) var<storage, read> dy: array<F>;
@group(0) @binding(1) var<storage, read_write> dx: array<F>;
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
  let p = i32(i / g.c);
  let ix = p % g.iw;
  let t = p / g.iw;
  let iy = t % g.ih;
  let image = t / g.ih;
  // The windows whose span covers the pixel.
  let oy1 = min(g.oh, (iy + g.pad_t) / STRIDE_H + 1);
  let ox1 = min(g.ow, (ix + g.pad_l) / STRIDE_W + 1);
  let oy0 = max(0, (iy + g.pad_t - (g.kh - 1) * DILATION_H + STRIDE_H - 1) / STRIDE_H);
  let ox0 = max(0, (ix + g.pad_l - (g.kw - 1) * DILATION_W + STRIDE_W - 1) / STRIDE_W);
  var acc = F(0.0);
  for (var oy = oy0; oy < oy1; oy++) {
    let top = oy * STRIDE_H - g.pad_t;
    if ((iy - top) % DILATION_H != 0) {
      continue;
    }
    let rows = taps(top, g.kh, DILATION_H, g.count_t, g.count_b);
    for (var ox = ox0; ox < ox1; ox++) {
      let left = ox * STRIDE_W - g.pad_l;
      if ((ix - left) % DILATION_W == 0) {
        let elements = rows * taps(left, g.kw, DILATION_W, g.count_l, g.count_r);
        acc += dy[u32((image * g.oh + oy) * g.ow + ox) * g.c + c] / f32(max(elements, 1));
      }
    }
  }
  dx[i] = acc;
}
