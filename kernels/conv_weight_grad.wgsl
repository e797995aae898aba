// Weight gradient of a convolution: dw[tap, ci, co] = sum over output pixels of x[pixel under tap, ci] * dy[pixel, co].
// Each invocation keeps an 8 x 8 tile (ci x co) of one tap in registers and walks over a share of the output's rows
// (split-K, PARTS shares); the shares are summed afterwards in a fixed order (sum_partials.wgsl), without atomics.
const CI: u32 = 4u;
const CO: u32 = 4u;
const IH: i32 = 1i;
const IW: i32 = 1i;
const OH: i32 = 1i;
const OW: i32 = 1i;
const ROWS: u32 = 1u; // images * OH
const KH: u32 = 1u;
const KW: u32 = 1u;
const STRIDE_H: i32 = 1i;
const STRIDE_W: i32 = 1i;
const PAD_T: i32 = 0i;
const PAD_L: i32 = 0i;
const DILATION_H: i32 = 1i;
const DILATION_W: i32 = 1i;
const CI_TILES: u32 = 1u; // ceil(CI / 8)
const CO_TILES: u32 = 1u;
const PARTS: u32 = 1u;
const ROWS_A_PART: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4f>;

fn store(part: u32, tap: u32, ci: u32, n: u32, c0: vec4f, c1: vec4f) {
  if (ci >= CI) {
    return;
  }
  let at = ((part * KH * KW + tap) * CI + ci) * (CO / 4u) + n;
  dw[at] = c0;
  if (n + 1u < CO / 4u) {
    dw[at + 1u] = c1;
  }
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var tile = gid.x + gid.y * (groups.x * 32u);
  if (tile >= CI_TILES * CO_TILES * KH * KW * PARTS) {
    return;
  }
  let n = (tile % CO_TILES) * 2u;
  tile /= CO_TILES;
  let ci = (tile % CI_TILES) * 8u;
  tile /= CI_TILES;
  let tap = tile % (KH * KW);
  let part = tile / (KH * KW);
  let n1 = min(n + 1u, CO / 4u - 1u);
  let k0 = ci / 4u;
  let k1 = min(k0 + 1u, CI / 4u - 1u);
  let down = i32(tap / KW) * DILATION_H - PAD_T;
  let right = i32(tap % KW) * DILATION_W - PAD_L;
  // Output columns whose pixel under this tap lies inside the picture.
  let from_x = max(0, (STRIDE_W - 1 - right) / STRIDE_W);
  let to_x = select(0, min(OW, (IW - 1 - right) / STRIDE_W + 1), IW - 1 >= right);
  var c00 = vec4f(0.0);
  var c01 = vec4f(0.0);
  var c10 = vec4f(0.0);
  var c11 = vec4f(0.0);
  var c20 = vec4f(0.0);
  var c21 = vec4f(0.0);
  var c30 = vec4f(0.0);
  var c31 = vec4f(0.0);
  var c40 = vec4f(0.0);
  var c41 = vec4f(0.0);
  var c50 = vec4f(0.0);
  var c51 = vec4f(0.0);
  var c60 = vec4f(0.0);
  var c61 = vec4f(0.0);
  var c70 = vec4f(0.0);
  var c71 = vec4f(0.0);
  for (var r = part * ROWS_A_PART; r < min((part + 1u) * ROWS_A_PART, ROWS); r++) {
    let oy = i32(r) % OH;
    let image = i32(r) / OH;
    let iy = oy * STRIDE_H + down;
    if (iy < 0 || iy >= IH) {
      continue;
    }
    var px = u32(max(0, (image * IH + iy) * IW + from_x * STRIDE_W + right)) * (CI / 4u);
    var py = (r * u32(OW) + u32(from_x)) * (CO / 4u);
    for (var ox = from_x; ox < to_x; ox++) {
        let a0 = x[px + k0];
        let a1 = x[px + k1];
        let b0 = dy[py + n];
        let b1 = dy[py + n1];
        c00 = fma(vec4f(a0.x), b0, c00);
        c01 = fma(vec4f(a0.x), b1, c01);
        c10 = fma(vec4f(a0.y), b0, c10);
        c11 = fma(vec4f(a0.y), b1, c11);
        c20 = fma(vec4f(a0.z), b0, c20);
        c21 = fma(vec4f(a0.z), b1, c21);
        c30 = fma(vec4f(a0.w), b0, c30);
        c31 = fma(vec4f(a0.w), b1, c31);
        c40 = fma(vec4f(a1.x), b0, c40);
        c41 = fma(vec4f(a1.x), b1, c41);
        c50 = fma(vec4f(a1.y), b0, c50);
        c51 = fma(vec4f(a1.y), b1, c51);
        c60 = fma(vec4f(a1.z), b0, c60);
        c61 = fma(vec4f(a1.z), b1, c61);
        c70 = fma(vec4f(a1.w), b0, c70);
        c71 = fma(vec4f(a1.w), b1, c71);
        px += u32(STRIDE_W) * (CI / 4u);
        py += CO / 4u;
    }
  }
  store(part, tap, ci + 0u, n, c00, c01);
  store(part, tap, ci + 1u, n, c10, c11);
  store(part, tap, ci + 2u, n, c20, c21);
  store(part, tap, ci + 3u, n, c30, c31);
  store(part, tap, ci + 4u, n, c40, c41);
  store(part, tap, ci + 5u, n, c50, c51);
  store(part, tap, ci + 6u, n, c60, c61);
  store(part, tap, ci + 7u, n, c70, c71);
}
