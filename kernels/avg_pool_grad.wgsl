// Gradient of average pooling, gathered: dx[pixel] = sum over covering windows of dy / (elements of the window).
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four
const COUNT: u32 = 1u; // images * IH * IW * C
const C: u32 = 1u; // channels / WIDTH
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
const PAD_B: i32 = 0i;
const PAD_R: i32 = 0i;
const COUNT_PADDING: bool = false;

alias F = f32;

@group(0) @binding(0) var<storage, read> dy: array<F>;
@group(0) @binding(1) var<storage, read_write> dx: array<F>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let c = i % C;
  let p = i32(i / C);
  let ix = p % IW;
  let iy = (p / IW) % IH;
  let image = p / (IW * IH);
  // The windows that cover the pixel.
  let oy1 = min(OH, (iy + PAD_T) / STRIDE_H + 1);
  let ox1 = min(OW, (ix + PAD_L) / STRIDE_W + 1);
  let ox0 = max(0, (ix + PAD_L - KW + STRIDE_W) / STRIDE_W);
  var acc = F(0.0);
  for (var oy = max(0, (iy + PAD_T - KH + STRIDE_H) / STRIDE_H); oy < oy1; oy++) {
    let top = oy * STRIDE_H - PAD_T;
    for (var ox = ox0; ox < ox1; ox++) {
      let left = ox * STRIDE_W - PAD_L;
      var elements = (min(top + KH, IH) - max(top, 0)) * (min(left + KW, IW) - max(left, 0));
      if (COUNT_PADDING) {
        elements = (min(top + KH, IH + PAD_B) - top) * (min(left + KW, IW + PAD_R) - left);
      }
      acc += dy[u32((image * OH + oy) * OW + ox) * C + c] / f32(max(elements, 1));
    }
  }
  dx[i] = acc;
}
