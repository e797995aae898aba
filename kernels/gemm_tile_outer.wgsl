// The sums of parts/gemm_outer.wgsl, the plain way that every other family is checked against: each invocation keeps a
// tile of eight rows by two groups of four columns in registers.
// @variants GROUPS: 2
// @include parts/gemm_outer.wgsl

const GROUPS: u32 = 2u; // of four rows

fn store(g: Geometry, t: Tile, row: u32, n: u32, c0: vec4f, c1: vec4f) {
  if (row >= g.m4 * 4u) {
    return;
  }
  let at = t.part * g.y4 + (t.tap * g.m4 * 4u + row) * g.n4 + n;
  y[at] = c0;
  if (n + 1u < g.n4) {
    y[at + 1u] = c1;
  }
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let g = geometry;
  let index = gid.x + gid.y * (groups.x * 32u);
  if (index >= g.m_tiles * g.n_tiles * g.taps_h * g.taps_w * g.parts) {
    return;
  }
  let t = tile_of(g, index);
  let down = i32(t.tap / g.taps_w) * g.dilation_h - g.pad_t;
  let right = i32(t.tap % g.taps_w) * g.dilation_w - g.pad_l;
  let span = columns(g, right);
  let n = t.n * 2u;
  let n1 = min(n + 1u, g.n4 - 1u);
  let m = t.m * GROUPS;
  var c: array<vec4f, GROUPS * 4>;
  var d: array<vec4f, GROUPS * 4>;
  for (var r = t.part * g.rows_a_part; r < min((t.part + 1u) * g.rows_a_part, g.rows); r++) {
    let ay = (i32(r) % g.oh) * g.stride_h + down;
    if (ay < 0 || ay >= g.ah) {
      continue;
    }
    let image = i32(r) / g.oh;
    var pa = u32(max(0, (image * g.ah + ay) * g.aw + span.x * g.stride_w + right)) * g.pixel4;
    var pb = (r * u32(g.ow) + u32(span.x)) * g.n4;
    for (var column = span.x; column < span.y; column++) {
      let b0 = b[pb + n];
      let b1 = b[pb + n1];
      // @unroll
      for (var i = 0u; i < GROUPS; i++) {
        let v = a[pa + min(m + i, g.m4 - 1u)];
        c[4u * i] = fma(vec4f(v.x), b0, c[4u * i]);
        d[4u * i] = fma(vec4f(v.x), b1, d[4u * i]);
        c[4u * i + 1u] = fma(vec4f(v.y), b0, c[4u * i + 1u]);
        d[4u * i + 1u] = fma(vec4f(v.y), b1, d[4u * i + 1u]);
        c[4u * i + 2u] = fma(vec4f(v.z), b0, c[4u * i + 2u]);
        d[4u * i + 2u] = fma(vec4f(v.z), b1, d[4u * i + 2u]);
        c[4u * i + 3u] = fma(vec4f(v.w), b0, c[4u * i + 3u]);
        d[4u * i + 3u] = fma(vec4f(v.w), b1, d[4u * i + 3u]);
      }
      pa += u32(g.stride_w) * g.pixel4;
      pb += g.n4;
    }
  }
  // @unroll
  for (var i = 0u; i < GROUPS * 4; i++) {
    store(g, t, m * 4u + i, n, c[i], d[i]);
  }
}
