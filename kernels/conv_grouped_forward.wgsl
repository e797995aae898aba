// Grouped convolution, one output element an invocation: y[p, co] = sum over taps and the group's ci of
// x[pixel, ci] * w[tap, ci, co]. For groups > 1 (depthwise too) and any number of channels. x, y NHWC, w HWIO.
const COUNT: u32 = 1u; // images * OH * OW * CO
const CI: i32 = 1i;
const CO: u32 = 1u;
const GROUP_CI: i32 = 1i;
const GROUP_CO: u32 = 1u;
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
const DILATION_H: i32 = 1i;
const DILATION_W: i32 = 1i;
const HAS_SHIFT: bool = false;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> shift: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let co = i % CO;
  let p = i / CO;
  let oy = (p / OW) % OH;
  let image = i32(p / (OW * OH));
  let first = i32(co / GROUP_CO) * GROUP_CI;
  var acc = 0.0;
  for (var kh = 0; kh < KH; kh++) {
    let iy = i32(oy) * STRIDE_H - PAD_T + kh * DILATION_H;
    for (var kw = 0; kw < KW; kw++) {
      let ix = i32(p % OW) * STRIDE_W - PAD_L + kw * DILATION_W;
      if (iy < 0 || iy >= IH || ix < 0 || ix >= IW) {
        continue;
      }
      let from_x = ((image * IH + iy) * IW + ix) * CI + first;
      let from_w = (kh * KW + kw) * GROUP_CI;
      for (var k = 0; k < GROUP_CI; k++) {
        acc = fma(x[from_x + k], w[u32(from_w + k) * CO + co], acc);
      }
    }
  }
  if (HAS_SHIFT) {
    acc += shift[co];
  }
  y[i] = acc;
}
