// Gradient of max pooling, gathered: dx[pixel] = sum of dy over the windows that cover the pixel and chose it.
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four
// Divided by, and few: sizes come in a buffer, so that one pipeline serves all shapes.
const STRIDE_H: i32 = 1i;
const STRIDE_W: i32 = 1i;
const DILATION_H: i32 = 1i;
const DILATION_W: i32 = 1i;

alias F = f32;
alias I = i32;

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
}

@group(0) @binding(0) var<storage, read> dy: array<F>;
@group(0) @binding(1) var<storage, read> indices: array<I>;
@group(0) @binding(2) var<storage, read_write> dx: array<F>;
@group(0) @binding(3) var<uniform> window: Window;

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
  let me = I(iy * g.iw + ix);
  // The windows whose span covers the pixel. Where dilation leaves it out, none of them chose it.
  let oy1 = min(g.oh, (iy + g.pad_t) / STRIDE_H + 1);
  let ox1 = min(g.ow, (ix + g.pad_l) / STRIDE_W + 1);
  let oy0 = max(0, (iy + g.pad_t - (g.kh - 1) * DILATION_H + STRIDE_H - 1) / STRIDE_H);
  let ox0 = max(0, (ix + g.pad_l - (g.kw - 1) * DILATION_W + STRIDE_W - 1) / STRIDE_W);
  var acc = F(0.0);
  for (var oy = oy0; oy < oy1; oy++) {
    for (var ox = ox0; ox < ox1; ox++) {
      let at = u32((image * g.oh + oy) * g.ow + ox) * g.c + c;
      acc += select(F(0.0), dy[at], indices[at] == me);
    }
  }
  dx[i] = acc;
}
