// The sum of parts/gemm.wgsl by subgroups: lanes hold neighbouring columns (a vec4 each) of ROWS rows. Every lane loads
// some rows of a, and all lanes get all of them by exchange: loads are what software adapters spend their time on. The
// exchange is by exclusive or, so that c[i] of a lane is of another row in each lane: that is one instruction on
// SwiftShader, where a broadcast is five. A workgroup is one subgroup of LANES lanes, there is no barrier.
enable subgroups;
// @variants LANES ROWS GROUPS: 4x8x1 4x16x1 4x16x2 8x8x1 8x16x1
// @include parts/gemm.wgsl
alias F = vec4f;
alias U = vec4u;
// @include parts/epilogue.wgsl

const LANES: u32 = 8u;
const ROWS: u32 = 16u;
const GROUPS: u32 = 1u; // of four columns of one lane
const HELD: u32 = max(1u, ROWS / LANES); // rows that a lane loads

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
  let column = (tile / g.m_tiles) * LANES * GROUPS + lane;
  let first = part * g.run_part;
  let last = min(first + g.run_part, g.run);
  var r: array<vec3i, HELD>;
  var l: array<i32, HELD>;
  var p: array<i32, HELD>;
  var x: array<vec4f, HELD>;
  var n: array<u32, GROUPS>;
  var at: array<u32, GROUPS>;
  var w: array<mat4x4f, GROUPS>;
  var c: array<vec4f, ROWS * GROUPS>;
  // @unroll
  for (var j = 0u; j < GROUPS; j++) {
    n[j] = min(column + j * LANES, g.n4 - 1u);
  }
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
      let stride = select(g.n4, g.k4, B_TRANSPOSED);
      // @unroll
      for (var j = 0u; j < GROUPS; j++) {
        at[j] = select((tap * g.k4 + first) * 4u * g.n4 + n[j], (tap * g.n4 + n[j]) * 4u * g.k4 + first, B_TRANSPOSED);
      }
      for (var k = first; k < last; k++) {
        // @unroll
        for (var i = 0u; i < HELD; i++) {
          x[i] = select(vec4f(0.0), a[u32(max(p[i], 0)) + k], p[i] >= 0);
        }
        // @unroll
        for (var j = 0u; j < GROUPS; j++) {
          w[j] = columns(at[j], stride);
          at[j] += select(4u * stride, 1u, B_TRANSPOSED);
        }
        // @unroll
        for (var i = 0u; i < ROWS; i++) {
          let v = subgroupShuffleXor(x[i / LANES], i % LANES);
          // @unroll
          for (var j = 0u; j < GROUPS; j++) {
            c[i * GROUPS + j] = plus(c[i * GROUPS + j], v, w[j]);
          }
        }
      }
    }
  }
  var to: array<u32, HELD>;
  var factor: array<vec4f, GROUPS>;
  var summand: array<vec4f, GROUPS>;
  // @unroll
  for (var j = 0u; j < GROUPS; j++) {
    factor[j] = scale[n[j]];
    summand[j] = shift[n[j]];
  }
  // @unroll
  for (var i = 0u; i < HELD; i++) {
    to[i] = target_of(g, m + i * LANES + lane);
  }
  // @unroll
  for (var i = 0u; i < ROWS; i++) {
    let line = subgroupShuffleXor(to[i / LANES], i % LANES);
    if (m + i / LANES * LANES + (lane ^ (i % LANES)) < g.m) {
      // @unroll
      for (var j = 0u; j < GROUPS; j++) {
        if (column + j * LANES < g.n4) {
          y[part * g.y4 + line + n[j]] = epilogue(c[i * GROUPS + j], line + n[j], factor[j], summand[j]);
        }
      }
    }
  }
}
