// The sums of parts/gemm_outer.wgsl by subgroups: lanes hold neighbouring columns (a vec4 each) of ROWS rows of y. Each
// lane loads a group of four rows of a, and all lanes get them by broadcast. A workgroup is one subgroup.
enable subgroups;
// @variants LANES ROWS: 4x8 4x16 8x8 8x16 8x32
// @include parts/gemm_outer.wgsl

const LANES: u32 = 8u;
const ROWS: u32 = 16u;
const GROUPS: u32 = ROWS / 4u;
const HELD: u32 = max(1u, GROUPS / LANES); // groups of rows that a lane loads

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let g = geometry;
  let index = group.x + group.y * groups.x;
  if (index >= g.m_tiles * g.n_tiles * g.taps_h * g.taps_w * g.parts) {
    return;
  }
  let t = tile_of(g, index);
  let down = i32(t.tap / g.taps_w) * g.dilation_h - g.pad_t;
  let right = i32(t.tap % g.taps_w) * g.dilation_w - g.pad_l;
  let span = columns(g, right);
  let column = t.n * LANES + lane;
  let n = min(column, g.n4 - 1u);
  let m = t.m * GROUPS;
  var start: array<u32, HELD>;
  var x: array<vec4f, HELD>;
  var c: array<vec4f, ROWS>;
  // @unroll
  for (var i = 0u; i < HELD; i++) {
    start[i] = min(m + i * LANES + lane % min(GROUPS, LANES), g.m4 - 1u);
  }
  for (var r = t.part * g.rows_a_part; r < min((t.part + 1u) * g.rows_a_part, g.rows); r++) {
    let ay = (i32(r) % g.oh) * g.stride_h + down;
    if (ay < 0 || ay >= g.ah) {
      continue;
    }
    let image = i32(r) / g.oh;
    var pa = u32(max(0, (image * g.ah + ay) * g.aw + span.x * g.stride_w + right)) * g.pixel4;
    var pb = (r * u32(g.ow) + u32(span.x)) * g.n4 + n;
    for (var column_of_pixels = span.x; column_of_pixels < span.y; column_of_pixels++) {
      // @unroll
      for (var i = 0u; i < HELD; i++) {
        x[i] = a[pa + start[i]];
      }
      let v = b[pb];
      // @unroll
      for (var i = 0u; i < GROUPS; i++) {
        let u = subgroupShuffle(x[i / LANES], i % LANES);
        c[4u * i] = fma(vec4f(u.x), v, c[4u * i]);
        c[4u * i + 1u] = fma(vec4f(u.y), v, c[4u * i + 1u]);
        c[4u * i + 2u] = fma(vec4f(u.z), v, c[4u * i + 2u]);
        c[4u * i + 3u] = fma(vec4f(u.w), v, c[4u * i + 3u]);
      }
      pa += u32(g.stride_w) * g.pixel4;
      pb += g.n4;
    }
  }
  if (column >= g.n4) {
    return;
  }
  let first = (t.tap * g.m4 + m) * 4u;
  let past = (t.tap + 1u) * g.m4 * 4u;
  // @unroll
  for (var i = 0u; i < ROWS; i++) {
    if (first + i < past) {
      y[t.part * g.y4 + (first + i) * g.n4 + n] = c[i];
    }
  }
}
