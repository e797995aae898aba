// Gradient of max pooling, gathered: dx[pixel] = sum of dy over the windows that cover the pixel and chose it.
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four
const COUNT: u32 = 1u; // images * IH * IW * C
const C: u32 = 1u; // channels / WIDTH
const IH: u32 = 1u;
const IW: u32 = 1u;
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

alias F = f32;
alias I = i32;

@group(0) @binding(0) var<storage, read> dy: array<F>;
@group(0) @binding(1) var<storage, read> indices: array<I>;
@group(0) @binding(2) var<storage, read_write> dx: array<F>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let c = i % C;
  let p = i / C;
  let ix = i32(p % IW);
  let iy = i32((p / IW) % IH);
  let image = i32(p / (IW * IH));
  let me = I(iy * i32(IW) + ix);
  // The windows whose span covers the pixel. Where dilation leaves it out, none of them chose it.
  let oy1 = min(OH, (iy + PAD_T) / STRIDE_H + 1);
  let ox1 = min(OW, (ix + PAD_L) / STRIDE_W + 1);
  let oy0 = max(0, (iy + PAD_T - (KH - 1) * DILATION_H + STRIDE_H - 1) / STRIDE_H);
  let ox0 = max(0, (ix + PAD_L - (KW - 1) * DILATION_W + STRIDE_W - 1) / STRIDE_W);
  var acc = F(0.0);
  for (var oy = oy0; oy < oy1; oy++) {
    for (var ox = ox0; ox < ox1; ox++) {
      let at = u32((image * OH + oy) * OW + ox) * C + c;
      acc += select(F(0.0), dy[at], indices[at] == me);
    }
  }
  dx[i] = acc;
}
