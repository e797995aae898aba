// The sum of parts/gemm.wgsl, the plain way that every other family is checked against: each invocation keeps a tile of
// ROWS rows by two groups of four columns in registers, and there is no barrier: on software adapters loads dominate and
// barriers are dear.
// @variants ROWS: 8
// @include parts/gemm.wgsl
alias F = vec4f;
alias U = vec4u;
// @include parts/epilogue.wgsl

const ROWS: u32 = 8u;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let parts = geometry[0].parts;
  let g = geometry[gid.z / parts];
  let part = gid.z % parts;
  let tile = gid.x + gid.y * (groups.x * 32u);
  let m = (tile % g.m_tiles) * ROWS;
  if (tile >= g.tiles || m >= g.m) {
    return;
  }
  let n = (tile / g.m_tiles) * 2u;
  // An odd number of groups leaves half a tile: it recomputes the last group and does not store it.
  let n1 = min(n + 1u, g.n4 - 1u);
  let first = part * g.run_part;
  let last = min(first + g.run_part, g.run);
  var r: array<vec3i, ROWS>;
  var l: array<i32, ROWS>;
  var p: array<i32, ROWS>;
  var c: array<vec4f, ROWS>;
  var d: array<vec4f, ROWS>;
  // @unroll
  for (var i = 0u; i < ROWS; i++) {
    r[i] = row(g, m + i);
  }
  for (var th = 0u; th < g.taps_h; th++) {
    // @unroll
    for (var i = 0u; i < ROWS; i++) {
      l[i] = line(g, r[i], i32(th));
    }
    for (var tw = 0u; tw < g.taps_w; tw++) {
      // @unroll
      for (var i = 0u; i < ROWS; i++) {
        p[i] = address(g, l[i], r[i].y, i32(tw));
      }
      let tap = g.b_from + th * g.b_tap_h + tw * g.b_tap_w;
      var at0 = (tap * g.k4 + first) * 4u * g.n4 + n;
      var at1 = at0 + n1 - n;
      var stride = g.n4;
      var step = 4u * g.n4;
      if (B_TRANSPOSED) {
        at0 = (tap * g.n4 + n) * 4u * g.k4 + first;
        at1 = (tap * g.n4 + n1) * 4u * g.k4 + first;
        stride = g.k4;
        step = 1u;
      }
      for (var k = first; k < last; k++) {
        let b0 = columns(at0, stride);
        let b1 = columns(at1, stride);
        // @unroll
        for (var i = 0u; i < ROWS; i++) {
          let v = select(vec4f(0.0), a[u32(max(p[i], 0)) + k], p[i] >= 0);
          c[i] = plus(c[i], v, b0);
          d[i] = plus(d[i], v, b1);
        }
        at0 += step;
        at1 += step;
      }
    }
  }
  // @unroll
  for (var i = 0u; i < ROWS; i++) {
    store(g, part, m + i, n, c[i], d[i]);
  }
}

fn store(g: Geometry, part: u32, m: u32, n: u32, c0: vec4f, c1: vec4f) {
  if (m >= g.m) {
    return;
  }
  let at = target_of(g, m) + n;
  y[part * g.y4 + at] = epilogue(c0, at, scale[n], shift[n]);
  if (n + 1u < g.n4) {
    y[part * g.y4 + at + 1u] = epilogue(c1, at + 1u, scale[n + 1u], shift[n + 1u]);
  }
}
