// Max pooling of NHWC, WIDTH channels of one window an invocation. indices: h * IW + w of the winner in its own plane; the
// first maximum in row-major window order wins, and NaN wins over everything, as in PyTorch.
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
const DILATION_H: i32 = 1i;
const DILATION_W: i32 = 1i;

alias F = f32;
alias I = i32;
alias U = u32;
alias B = bool;

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read_write> y: array<F>;
@group(0) @binding(2) var<storage, read_write> indices: array<I>;

// Drivers may take x != x for false: NaN is told by its bits.
fn is_nan(v: F) -> B {
  return (bitcast<U>(v) & U(0x7fffffffu)) > U(0x7f800000u);
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
  var best = F(-3.4028234663852886e38);
  var winner = I(-1);
  // Only the taps inside the picture. Bounds that the compiler cannot know keep it from unrolling.
  let kh1 = min(KH, (IH - top + DILATION_H - 1) / DILATION_H);
  let kw1 = min(KW, (IW - left + DILATION_W - 1) / DILATION_W);
  for (var kh = max(0, (DILATION_H - 1 - top) / DILATION_H); kh < kh1; kh++) {
    let iy = top + kh * DILATION_H;
    for (var kw = max(0, (DILATION_W - 1 - left) / DILATION_W); kw < kw1; kw++) {
      let ix = left + kw * DILATION_W;
      let v = x[u32((image * IH + iy) * IW + ix) * C + c];
      let wins = (winner < I(0)) | (((v > best) | is_nan(v)) & !is_nan(best));
      best = select(best, v, wins);
      winner = select(winner, I(iy * IW + ix), wins);
    }
  }
  y[i] = best;
  indices[i] = winner;
}
