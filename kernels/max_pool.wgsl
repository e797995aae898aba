// Max pooling of NHWC, one channel of one window an invocation. indices: h * IW + w of the winner in its own plane; the
// first maximum in row-major window order wins, and NaN wins over everything, as in PyTorch.
const COUNT: u32 = 1u; // images * OH * OW * C
const C: u32 = 1u;
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

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> indices: array<i32>;

// Drivers may take x != x for false: NaN is told by its bits.
fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

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
  var best = -3.4028234663852886e38;
  var winner = -1;
  for (var kh = 0; kh < KH; kh++) {
    let iy = top + kh * DILATION_H;
    for (var kw = 0; kw < KW; kw++) {
      let ix = left + kw * DILATION_W;
      if (iy < 0 || iy >= IH || ix < 0 || ix >= IW) {
        continue;
      }
      let v = x[u32((image * IH + iy) * IW + ix) * C + c];
      if (winner < 0 || (v > best && !is_nan(best)) || (is_nan(v) && !is_nan(best))) {
        best = v;
        winner = iy * IW + ix;
      }
    }
  }
  y[i] = best;
  indices[i] = winner;
}
