// The sums of parts/gemm_outer.wgsl by workgroups of 8 x 8 invocations, for physical GPUs: slices of SLICE pixels of both
// factors pass through workgroup memory, in whole 16-byte lanes read side by side. As in gemm_workgroup.wgsl there are two
// slices, the next one on its way while one is multiplied. A slice is many products for the division that finds a pixel.
// @variants ROWS GROUPS: 1x1 2x1 2x2
// @include parts/gemm_outer.wgsl

const ROWS: u32 = 1u; // groups of four rows of one invocation
const GROUPS: u32 = 1u; // of four columns
const SLICE: u32 = 16u;
const TILE_M4: u32 = 8u * ROWS;
const TILE_N4: u32 = 8u * GROUPS;
const A_LOADS: u32 = TILE_M4 * SLICE / 64u; // of one invocation, for a slice
const B_LOADS: u32 = TILE_N4 * SLICE / 64u;

// [slice][pixel][m] and [slice][pixel][n], groups of four.
var<workgroup> a_slices: array<array<vec4f, TILE_M4 * SLICE>, 2>;
var<workgroup> b_slices: array<array<vec4f, TILE_N4 * SLICE>, 2>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let g = geometry;
  let tile = group.x + group.y * groups.x;
  if (tile >= g.m_tiles * g.n_tiles * g.taps_h * g.taps_w * g.parts) {
    return;
  }
  let t = tile_of(g, tile);
  let tap_down = i32(t.tap / g.taps_w) * g.dilation_h - g.pad_t;
  let tap_right = i32(t.tap % g.taps_w) * g.dilation_w - g.pad_l;
  let m = t.m * TILE_M4;
  let n = t.n * TILE_N4;
  let ow = u32(g.ow);
  let first = t.part * g.rows_a_part * ow;
  let last = max(first, min((t.part + 1u) * g.rows_a_part, g.rows) * ow);
  let total = (last - first + SLICE - 1u) / SLICE;
  let across = index % 8u;
  let down = index / 8u;

  var next_a: array<vec4f, A_LOADS>;
  var next_b: array<vec4f, B_LOADS>;
  var c: array<array<mat4x4f, GROUPS>, ROWS>;
  for (var step = 0u; step <= total; step++) {
    if (step < total) {
      for (var i = 0u; i < A_LOADS; i++) {
        let load = index + i * 64u;
        let pixel = first + step * SLICE + load / TILE_M4;
        let line = i32(pixel / ow);
        let ay = (line % g.oh) * g.stride_h + tap_down;
        let ax = i32(pixel % ow) * g.stride_w + tap_right;
        let inside = pixel < last && u32(ay) < u32(g.ah) && u32(ax) < u32(g.aw);
        let at = select(0, ((line / g.oh) * g.ah + ay) * g.aw + ax, inside);
        next_a[i] = select(vec4f(0.0), a[u32(at) * g.pixel4 + min(m + load % TILE_M4, g.m4 - 1u)], inside);
      }
      for (var i = 0u; i < B_LOADS; i++) {
        let load = index + i * 64u;
        let pixel = first + step * SLICE + load / TILE_N4;
        next_b[i] = b[min(pixel, last - 1u) * g.n4 + min(n + load % TILE_N4, g.n4 - 1u)];
      }
    }
    // Multiplied is the slice of the step before. Pixels past the end are zero in a.
    let ready = (step + 1u) % 2u;
    if (step > 0u) {
      for (var p = 0u; p < SLICE; p++) {
        for (var i = 0u; i < ROWS; i++) {
          let u = a_slices[ready][p * TILE_M4 + down + i * 8u];
          for (var j = 0u; j < GROUPS; j++) {
            let v = b_slices[ready][p * TILE_N4 + across + j * 8u];
            c[i][j][0] = fma(vec4f(u.x), v, c[i][j][0]);
            c[i][j][1] = fma(vec4f(u.y), v, c[i][j][1]);
            c[i][j][2] = fma(vec4f(u.z), v, c[i][j][2]);
            c[i][j][3] = fma(vec4f(u.w), v, c[i][j][3]);
          }
        }
      }
    }
    if (step < total) {
      let to = step % 2u;
      for (var i = 0u; i < A_LOADS; i++) {
        a_slices[to][index + i * 64u] = next_a[i];
      }
      for (var i = 0u; i < B_LOADS; i++) {
        b_slices[to][index + i * 64u] = next_b[i];
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < ROWS; i++) {
    let group_of_rows = m + down + i * 8u;
    if (group_of_rows >= g.m4) {
      continue;
    }
    let at = t.part * g.y4 + (t.tap * g.m4 + group_of_rows) * 4u * g.n4;
    for (var j = 0u; j < GROUPS; j++) {
      let column = n + across + j * 8u;
      if (column < g.n4) {
        for (var q = 0u; q < 4u; q++) {
          y[at + q * g.n4 + column] = c[i][j][q];
        }
      }
    }
  }
}
