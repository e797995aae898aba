// The sums of parts/gemm_outer.wgsl by subgroups: lanes hold neighbouring columns (a vec4 each) of ROWS rows of y. Each
// lane loads a group of four rows of a under two neighbouring pixels, and all lanes get them by exchange, as in
// gemm_subgroup.wgsl. A workgroup is one subgroup.
enable subgroups;
// @variants LANES ROWS: 4x16 4x32 8x16 8x32
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
  let step = u32(g.stride_w) * g.pixel4;
  var start: array<u32, HELD>;
  var x: array<vec4f, HELD>;
  var z: array<vec4f, HELD>;
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
    // Two pixels at a time: what is kept from step to step is in memory on software adapters.
    for (var pixel = span.x; pixel < span.y; pixel += 2) {
      let both = pixel + 1 < span.y;
      let qa = select(pa, pa + step, both);
      // @unroll
      for (var i = 0u; i < HELD; i++) {
        x[i] = a[pa + start[i]];
        z[i] = select(vec4f(0.0), a[qa + start[i]], both);
      }
      let v = b[pb];
      let w = select(vec4f(0.0), b[select(pb, pb + g.n4, both)], both);
      // @unroll
      for (var i = 0u; i < GROUPS; i++) {
        let p = subgroupShuffleXor(x[i / LANES], i % LANES);
        let q = subgroupShuffleXor(z[i / LANES], i % LANES);
        c[4u * i] = fma(vec4f(q.x), w, fma(vec4f(p.x), v, c[4u * i]));
        c[4u * i + 1u] = fma(vec4f(q.y), w, fma(vec4f(p.y), v, c[4u * i + 1u]));
        c[4u * i + 2u] = fma(vec4f(q.z), w, fma(vec4f(p.z), v, c[4u * i + 2u]));
        c[4u * i + 3u] = fma(vec4f(q.w), w, fma(vec4f(p.w), v, c[4u * i + 3u]));
      }
      pa += 2u * step;
      pb += 2u * g.n4;
    }
  }
  if (column >= g.n4) {
    return;
  }
  // @unroll
  for (var i = 0u; i < GROUPS; i++) {
    let group_of_rows = m + i / LANES * LANES + ((lane % min(GROUPS, LANES)) ^ (i % LANES));
    if (group_of_rows < g.m4) {
      let at = t.part * g.y4 + (t.tap * g.m4 + group_of_rows) * 4u * g.n4 + n;
      y[at] = c[4u * i];
      y[at + g.n4] = c[4u * i + 1u];
      y[at + 2u * g.n4] = c[4u * i + 2u];
      y[at + 3u * g.n4] = c[4u * i + 3u];
    }
  }
}
