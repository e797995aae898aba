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
  var acc = F(0.0);
  for (var kh = KH - 1; kh >= 0; kh--) {
    let ty = iy + PAD_T - kh * DILATION_H;
    if (ty < 0 || ty % STRIDE_H != 0 || ty / STRIDE_H >= OH) {
      continue;
    }
    for (var kw = KW - 1; kw >= 0; kw--) {
      let tx = ix + PAD_L - kw * DILATION_W;
      if (tx < 0 || tx % STRIDE_W != 0 || tx / STRIDE_W >= OW) {
        continue;
      }
      let at = u32((image * OH + ty / STRIDE_H) * OW + tx / STRIDE_W) * C + c;
      acc += select(F(0.0), dy[at], indices[at] == me);
    }
  }
  dx[i] = acc;
}
