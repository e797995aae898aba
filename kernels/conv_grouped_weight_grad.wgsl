// Weight gradient of a grouped convolution: dw[tap, ci, co] = sum over output pixels of x[pixel, ci] * dy[pixel, co].
// One weight and one share of the output's rows an invocation; shares are summed in order by sum_partials.wgsl.
const WEIGHTS: u32 = 1u; // KH * KW * GROUP_CI * CO
const STEP: u32 = 1u; // elements between the shares
const CI: i32 = 1i;
const CO: u32 = 1u;
const GROUP_CI: u32 = 1u;
const GROUP_CO: u32 = 1u;
const IH: i32 = 1i;
const IW: i32 = 1i;
const OH: i32 = 1i;
const OW: i32 = 1i;
const ROWS: u32 = 1u; // images * OH
const KW: u32 = 1u;
const STRIDE_H: i32 = 1i;
const STRIDE_W: i32 = 1i;
const PAD_T: i32 = 0i;
const PAD_L: i32 = 0i;
const DILATION_H: i32 = 1i;
const DILATION_W: i32 = 1i;
const PARTS: u32 = 1u;
const ROWS_A_PART: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= WEIGHTS * PARTS) {
    return;
  }
  let weight = i % WEIGHTS;
  let part = i / WEIGHTS;
  let co = weight % CO;
  let k = (weight / CO) % GROUP_CI;
  let tap = weight / (CO * GROUP_CI);
  let ci = i32((co / GROUP_CO) * GROUP_CI + k);
  let down = i32(tap / KW) * DILATION_H - PAD_T;
  let right = i32(tap % KW) * DILATION_W - PAD_L;
  var acc = 0.0;
  for (var r = part * ROWS_A_PART; r < min((part + 1u) * ROWS_A_PART, ROWS); r++) {
    let iy = (i32(r) % OH) * STRIDE_H + down;
    if (iy < 0 || iy >= IH) {
      continue;
    }
    for (var ox = 0; ox < OW; ox++) {
      let ix = ox * STRIDE_W + right;
      if (ix >= 0 && ix < IW) {
        acc = fma(x[(((i32(r) / OH) * IH + iy) * IW + ix) * CI + ci], dy[(r * u32(OW) + u32(ox)) * CO + co], acc);
      }
    }
  }
  dw[part * STEP + weight] = acc;
}
