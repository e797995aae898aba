// The sum of parts/gemm.wgsl for results of few columns, by subgroups: each lane keeps ROWS rows of one group of four
// columns, which gemm_subgroup.wgsl would leave most lanes without. All lanes need the same four rows of b: four of them
// load one each, and the others get them by broadcast. A workgroup is one subgroup of LANES lanes, there is no barrier.
enable subgroups;
// @variants LANES ROWS: 4x8 8x8
// @include parts/gemm.wgsl
alias F = vec4f;
alias U = vec4u;
// @include parts/epilogue.wgsl

const LANES: u32 = 8u;
const ROWS: u32 = 8u;

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let parts = geometry[0].parts;
  let g = geometry[group.z / parts];
  let part = group.z % parts;
  let tile = group.x + group.y * groups.x;
  let m = (tile % g.m_tiles) * ROWS * LANES + lane;
  if (tile >= g.tiles || tile % g.m_tiles * ROWS * LANES >= g.m) {
    return;
  }
  let n = tile / g.m_tiles;
  let first = part * g.run_part;
  let last = min(first + g.run_part, g.run);
  var r: array<vec3i, ROWS>;
  var l: array<i32, ROWS>;
  var p: array<i32, ROWS>;
  var c: array<vec4f, ROWS>;
  // @unroll
  for (var i = 0u; i < ROWS; i++) {
    r[i] = row(g, m + i * LANES);
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
      var at = ((tap * g.k4 + first) * 4u + lane % 4u) * g.n4 + n;
      if (B_TRANSPOSED) {
        at = ((tap * g.n4 + n) * 4u + lane % 4u) * g.k4 + first;
      }
      for (var k = first; k < last; k++) {
        let held = wide(b[at]);
        at += select(4u * g.n4, 1u, B_TRANSPOSED);
        var w = mat4x4f(
          subgroupBroadcast(held, 0u),
          subgroupBroadcast(held, 1u),
          subgroupBroadcast(held, 2u),
          subgroupBroadcast(held, 3u),
        );
        if (!B_TRANSPOSED) {
          w = transpose(w);
        }
        // @unroll
        for (var i = 0u; i < ROWS; i++) {
          c[i] = plus(c[i], select(vec4f(0.0), a[u32(max(p[i], 0)) + k], p[i] >= 0), w);
        }
      }
    }
  }
  let factor = scale[n];
  let summand = shift[n];
  // @unroll
  for (var i = 0u; i < ROWS; i++) {
    if (m + i * LANES < g.m) {
      let at = target_of(g, m + i * LANES) + n;
      y[part * g.y4 + at] = epilogue(c[i], at, factor, summand);
    }
  }
}
