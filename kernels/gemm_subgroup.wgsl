// The sum of parts/gemm.wgsl by subgroups: lanes hold neighbouring columns (a vec4 each) of ROWS rows. Every lane loads
// some rows of a, and all lanes get all of them by exchange: loads are what software adapters spend their time on. The
// exchange is by exclusive or, so that c[i] of a lane is of another row in each lane: that is one instruction on
// SwiftShader, where a broadcast is five. A workgroup is one subgroup of LANES lanes, there is no barrier.
enable subgroups;
// @variants LANES ROWS: 4x8 4x16 8x8 8x16
// @include parts/gemm.wgsl
alias F = vec4f;
alias U = vec4u;
// @include parts/epilogue.wgsl

const LANES: u32 = 8u;
const ROWS: u32 = 16u;
const HELD: u32 = max(1u, ROWS / LANES); // rows that a lane loads
const B_TRANSPOSED: bool = false; // b is [tap, n, k]

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
  let m = (tile % g.m_tiles) * ROWS;
  if (tile >= g.tiles || m >= g.m) {
    return;
  }
  let column = (tile / g.m_tiles) * LANES + lane;
  let n = min(column, g.n4 - 1u);
  let first = part * g.run_part;
  let last = min(first + g.run_part, g.run);
  var r: array<vec3i, HELD>;
  var l: array<i32, HELD>;
  var p: array<i32, HELD>;
  var x: array<vec4f, HELD>;
  var c: array<vec4f, ROWS>;
  // @unroll
  for (var i = 0u; i < HELD; i++) {
    r[i] = row(g, m + i * LANES + lane);
  }
  for (var th = 0u; th < g.taps_h; th++) {
    // @unroll
    for (var i = 0u; i < HELD; i++) {
      l[i] = line(g, r[i], i32(th));
    }
    for (var tw = 0u; tw < g.taps_w; tw++) {
      // @unroll
      for (var i = 0u; i < HELD; i++) {
        p[i] = address(g, l[i], r[i].y, i32(tw));
      }
      let tap = g.b_from + th * g.b_tap_h + tw * g.b_tap_w;
      var at = (tap * g.k4 + first) * 4u * g.n4 + n;
      var stride = g.n4;
      if (B_TRANSPOSED) {
        at = (tap * g.n4 + n) * 4u * g.k4 + first;
        stride = g.k4;
      }
      for (var k = first; k < last; k++) {
        // @unroll
        for (var i = 0u; i < HELD; i++) {
          x[i] = select(vec4f(0.0), a[u32(max(p[i], 0)) + k], p[i] >= 0);
        }
        var b0 = wide(b[at]);
        var b1 = wide(b[at + stride]);
        var b2 = wide(b[at + 2u * stride]);
        var b3 = wide(b[at + 3u * stride]);
        if (B_TRANSPOSED) {
          let t = transpose(mat4x4f(b0, b1, b2, b3));
          b0 = t[0];
          b1 = t[1];
          b2 = t[2];
          b3 = t[3];
          at += 1u;
        } else {
          at += 4u * stride;
        }
        // @unroll
        for (var i = 0u; i < ROWS; i++) {
          let v = subgroupShuffleXor(x[i / LANES], i % LANES);
          c[i] = fma(vec4f(v.w), b3, fma(vec4f(v.z), b2, fma(vec4f(v.y), b1, fma(vec4f(v.x), b0, c[i]))));
        }
      }
    }
  }
  var to: array<u32, HELD>;
  // @unroll
  for (var i = 0u; i < HELD; i++) {
    to[i] = part * g.y4 + target_of(g, m + i * LANES + lane);
  }
  let there = column < g.n4;
  // @unroll
  for (var i = 0u; i < ROWS; i++) {
    let at = subgroupShuffleXor(to[i / LANES], i % LANES) + n;
    if (there && m + i / LANES * LANES + (lane ^ (i % LANES)) < g.m) {
      y[at] = c[i];
    }
  }
  // One loop over what was just written: inlined for every row, the steps would take minutes to compile.
  if (g.steps != 0u && there) {
    for (var i = m; i < min(m + ROWS, g.m); i++) {
      let at = target_of(g, i) + n;
      y[at] = epilogue(g.steps, y[at], at, n);
    }
  }
}
