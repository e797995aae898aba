// Weight gradient of a convolution: dw[tap, ci, co] = sum over output pixels of x[pixel under tap, ci] * dy[pixel, co].
// Each invocation keeps an 8 x 8 tile (ci x co) of one tap in registers and walks over a share of the output's rows
// (split-K, PARTS shares); the shares are summed afterwards in a fixed order (sum_partials.wgsl), without atomics.
// One pipeline serves all shapes: compiling is slow (half a second on software adapters), and nothing here divides
// inside the inner loop.
struct Geometry {
  ci: u32,
  co: u32,
  ih: i32,
  iw: i32,
  oh: i32,
  ow: i32,
  rows: u32, // images * OH
  kh: u32,
  kw: u32,
  stride_h: i32,
  stride_w: i32,
  pad_t: i32,
  pad_l: i32,
  dilation_h: i32,
  dilation_w: i32,
  ci_tiles: u32, // ceil(CI / 8)
  co_tiles: u32,
  parts: u32,
  rows_a_part: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4f>;
@group(0) @binding(3) var<storage, read> geometry: Geometry;

fn store(g: Geometry, part: u32, tap: u32, ci: u32, n: u32, c0: vec4f, c1: vec4f) {
  if (ci >= g.ci) {
    return;
  }
  let at = ((part * g.kh * g.kw + tap) * g.ci + ci) * (g.co / 4u) + n;
  dw[at] = c0;
  if (n + 1u < g.co / 4u) {
    dw[at + 1u] = c1;
  }
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let g = geometry;
  var tile = gid.x + gid.y * (groups.x * 32u);
  if (tile >= g.ci_tiles * g.co_tiles * g.kh * g.kw * g.parts) {
    return;
  }
  let n = (tile % g.co_tiles) * 2u;
  tile /= g.co_tiles;
  let ci = (tile % g.ci_tiles) * 8u;
  tile /= g.ci_tiles;
  let tap = tile % (g.kh * g.kw);
  let part = tile / (g.kh * g.kw);
  let n1 = min(n + 1u, g.co / 4u - 1u);
  let k0 = ci / 4u;
  let k1 = min(k0 + 1u, g.ci / 4u - 1u);
  let down = i32(tap / g.kw) * g.dilation_h - g.pad_t;
  let right = i32(tap % g.kw) * g.dilation_w - g.pad_l;
  // Output columns whose pixel under this tap lies inside the picture.
  let from_x = max(0, (g.stride_w - 1 - right) / g.stride_w);
  let to_x = select(0, min(g.ow, (g.iw - 1 - right) / g.stride_w + 1), g.iw - 1 >= right);
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
  for (var r = part * g.rows_a_part; r < min((part + 1u) * g.rows_a_part, g.rows); r++) {
    let oy = i32(r) % g.oh;
    let image = i32(r) / g.oh;
    let iy = oy * g.stride_h + down;
    if (iy < 0 || iy >= g.ih) {
      continue;
    }
    var px = u32(max(0, (image * g.ih + iy) * g.iw + from_x * g.stride_w + right)) * (g.ci / 4u);
    var py = (r * u32(g.ow) + u32(from_x)) * (g.co / 4u);
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
        px += u32(g.stride_w) * (g.ci / 4u);
        py += g.co / 4u;
    }
  }
  store(g, part, tap, ci + 0u, n, c00, c01);
  store(g, part, tap, ci + 1u, n, c10, c11);
  store(g, part, tap, ci + 2u, n, c20, c21);
  store(g, part, tap, ci + 3u, n, c30, c31);
  store(g, part, tap, ci + 4u, n, c40, c41);
  store(g, part, tap, ci + 5u, n, c50, c51);
  store(g, part, tap, ci + 6u, n, c60, c61);
  store(g, part, tap, ci + 7u, n, c70, c71);
}
