// Max pooling of NHWC, WIDTH channels of one window an invocation. indices: h * IW + w of the winner in its own plane; the
// first maximum in row-major window order wins, and NaN wins over everything, as in PyTorch. A window without an element
// gives -infinity and the index -1.
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four
// Divided by, and few: sizes come in a buffer, so that one pipeline serves all shapes.
const STRIDE_H: i32 = 1i;
const STRIDE_W: i32 = 1i;
const DILATION_H: i32 = 1i;
const DILATION_W: i32 = 1i;

alias F = f32;
alias I = i32;
alias U = u32;
alias B = bool;

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
  lowest: u32, // bits of -infinity, for which WGSL has no literal
}

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read_write> y: array<F>;
@group(0) @binding(2) var<storage, read_write> indices: array<I>;
@group(0) @binding(3) var<uniform> window: Window;

// Drivers may take x != x for false: NaN is told by its bits.
fn is_nan(v: F) -> B {
  return (bitcast<U>(v) & U(0x7fffffffu)) > U(0x7f800000u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  let g = window;
  if (i >= g.count) {
    return;
  }
  let c = i % g.c;
  let p = i / g.c;
  let t = p / u32(g.ow);
  let image = i32(t / u32(g.oh));
  let top = i32(t % u32(g.oh)) * STRIDE_H - g.pad_t;
  let left = i32(p % u32(g.ow)) * STRIDE_W - g.pad_l;
  var best = F(bitcast<f32>(g.lowest));
  var winner = I(-1);
  // Only the taps inside the picture. Bounds that the compiler cannot know keep it from unrolling.
  let kh1 = min(g.kh, (g.ih - top + DILATION_H - 1) / DILATION_H);
  let kw1 = min(g.kw, (g.iw - left + DILATION_W - 1) / DILATION_W);
  for (var kh = max(0, (DILATION_H - 1 - top) / DILATION_H); kh < kh1; kh++) {
    let iy = top + kh * DILATION_H;
    for (var kw = max(0, (DILATION_W - 1 - left) / DILATION_W); kw < kw1; kw++) {
      let ix = left + kw * DILATION_W;
      let v = x[u32((image * g.ih + iy) * g.iw + ix) * g.c + c];
      let wins = (winner < I(0)) | (((v > best) | is_nan(v)) & !is_nan(best));
      best = select(best, v, wins);
      winner = select(winner, I(iy * g.iw + ix), wins);
    }
  }
  y[i] = best;
  indices[i] = winner;
}
