// Average pooling of NHWC: the mean over the window's elements inside the picture, or inside the padded picture
// (COUNT_PADDING). With ceil mode a window may hang over the padding; what lies beyond never counts, as in PyTorch.
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four
const COUNT: u32 = 1u; // images * OH * OW * C
const C: u32 = 1u; // channels / WIDTH
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
const PAD_B: i32 = 0i;
const PAD_R: i32 = 0i;
const COUNT_PADDING: bool = false;

alias F = f32;

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read_write> y: array<F>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let c = i % C;
  let p = i / C;
  let image = i32(p / (OW * OH));
  let top = i32((p / OW) % OH) * STRIDE_H - PAD_T;
  let left = i32(p % OW) * STRIDE_W - PAD_L;
  let y0 = max(top, 0);
  let x0 = max(left, 0);
  let y1 = min(top + KH, IH);
  let x1 = min(left + KW, IW);
  var acc = F(0.0);
  for (var iy = y0; iy < y1; iy++) {
    for (var ix = x0; ix < x1; ix++) {
      acc += x[u32((image * IH + iy) * IW + ix) * C + c];
    }
  }
  var elements = (y1 - y0) * (x1 - x0);
  if (COUNT_PADDING) {
    elements = (min(top + KH, IH + PAD_B) - top) * (min(left + KW, IW + PAD_R) - left);
  }
  y[i] = acc / f32(max(elements, 1));
}
