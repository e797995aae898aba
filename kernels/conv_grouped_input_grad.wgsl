// Input gradient of a grouped convolution, one input element an invocation, gathered:
// dx[pixel, ci] = sum over taps and the group's co of dy[output pixel, co] * w[tap, ci, co].
const COUNT: u32 = 1u; // images * IH * IW * CI
const CI: u32 = 1u;
const CO: i32 = 1i;
const GROUP_CI: u32 = 1u;
const GROUP_CO: i32 = 1i;
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

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let ci = i % CI;
  let p = i / CI;
  let iy = i32((p / IW) % IH);
  let ix = i32(p % IW);
  let image = i32(p / (IW * IH));
  let first = i32(ci / GROUP_CI) * GROUP_CO;
  var acc = 0.0;
  for (var kh = 0; kh < KH; kh++) {
    let ty = iy + PAD_T - kh * DILATION_H;
    if (ty < 0 || ty % STRIDE_H != 0 || ty / STRIDE_H >= OH) {
      continue;
    }
    for (var kw = 0; kw < KW; kw++) {
      let tx = ix + PAD_L - kw * DILATION_W;
      if (tx < 0 || tx % STRIDE_W != 0 || tx / STRIDE_W >= OW) {
        continue;
      }
      let from_y = ((image * OH + ty / STRIDE_H) * OW + tx / STRIDE_W) * CO + first;
      let from_w = ((kh * KW + kw) * i32(GROUP_CI) + i32(ci % GROUP_CI)) * CO + first;
      for (var k = 0; k < GROUP_CO; k++) {
        acc = fma(dy[from_y + k], w[from_w + k], acc);
      }
    }
  }
  dx[i] = acc;
}
