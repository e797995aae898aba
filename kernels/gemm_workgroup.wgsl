// The sum of parts/gemm.wgsl by workgroups of 8 x 8 invocations, for physical GPUs: both factors pass through workgroup
// memory in slices of SLICE groups of four summands. All global loads are whole 16-byte lanes, and neighbouring
// invocations read neighbouring addresses. There are two slices: while one is multiplied the next is on its way into
// registers, and one barrier a slice is enough.
// @variants ROWS GROUPS: 4x1 8x1 8x2
// @include parts/gemm.wgsl
alias F = vec4f;
alias U = vec4u;
// @include parts/epilogue.wgsl

const ROWS: u32 = 4u; // of one invocation
const GROUPS: u32 = 1u; // of four columns
const SLICE: u32 = 4u;
const TILE_M: u32 = 8u * ROWS;
const TILE_N4: u32 = 8u * GROUPS;
const A_LOADS: u32 = TILE_M * SLICE / 64u; // of one invocation, for a slice
const B_LOADS: u32 = TILE_N4 * SLICE * 4u / 64u;

// [slice][row][k]: groups of four k. Rows of one invocation lie 8 apart, so that a subgroup reads rows side by side.
var<workgroup> a_slices: array<array<vec4f, TILE_M * SLICE>, 2>;
// [slice][k][n]: groups of four n; of a transposed b groups of four k, as [slice][group of k][n % 4][n / 4], see place().
var<workgroup> b_slices: array<array<vec4f, TILE_N4 * SLICE * 4>, 2>;

// Where a slice of b has columns 4 n to 4 n + 3 of summand 4 k + q; of a transposed b summands 4 k to 4 k + 3 of column
// 4 n + q. Those come in by k first: without the exchange of columns they would all fall on one bank.
fn place(k: u32, q: u32, n: u32) -> u32 {
  return (4u * k + q) * TILE_N4 + select(n, n ^ q ^ (4u * (k & 1u)) ^ (k & 2u), B_TRANSPOSED);
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let parts = geometry[0].parts;
  let g = geometry[group.z / parts];
  let part = group.z % parts;
  let tile = group.x + group.y * groups.x;
  let m = (tile % g.m_tiles) * TILE_M;
  if (tile >= g.tiles || m >= g.m) {
    return;
  }
  let n = (tile / g.m_tiles) * TILE_N4;
  let first = part * g.run_part;
  let last = max(first, min(first + g.run_part, g.run));
  let slices = (last - first + SLICE - 1u) / SLICE;
  let total = g.taps_h * g.taps_w * slices;
  let across = index % 8u;
  let down = index / 8u;

  var r: array<vec3i, A_LOADS>;
  var next_a: array<vec4f, A_LOADS>;
  var next_b: array<vec4f, B_LOADS>;
  var c: array<array<vec4f, GROUPS>, ROWS>;
  for (var i = 0u; i < A_LOADS; i++) {
    r[i] = row(g, m + index / SLICE + i * (64u / SLICE));
  }
  var th = 0u;
  var tw = 0u;
  var k = first;
  for (var step = 0u; step <= total; step++) {
    if (step < total) {
      let tap = g.b_from + th * g.b_tap_h + tw * g.b_tap_w;
      for (var i = 0u; i < A_LOADS; i++) {
        let at = k + index % SLICE;
        let p = address(g, line(g, r[i], i32(th)), r[i].y, i32(tw));
        next_a[i] = select(vec4f(0.0), a[u32(max(p, 0)) + min(at, last - 1u)], p >= 0 && at < last);
      }
      for (var i = 0u; i < B_LOADS; i++) {
        let load = index + i * 64u;
        if (B_TRANSPOSED) {
          let at = k + load % SLICE;
          let column = min(n * 4u + load / SLICE, g.n4 * 4u - 1u);
          next_b[i] = select(vec4f(0.0), wide(b[(tap * g.n4 * 4u + column) * g.k4 + min(at, last - 1u)]), at < last);
        } else {
          let at = k * 4u + load / TILE_N4;
          let read_at = (tap * g.k4 * 4u + min(at, last * 4u - 1u)) * g.n4 + min(n + load % TILE_N4, g.n4 - 1u);
          next_b[i] = select(vec4f(0.0), wide(b[read_at]), at < last * 4u);
        }
      }
      k += SLICE;
      if (k >= last) {
        k = first;
        tw += 1u;
        if (tw == g.taps_w) {
          tw = 0u;
          th += 1u;
        }
      }
    }
    // Multiplied is the slice of the step before.
    let ready = (step + 1u) % 2u;
    if (step > 0u) {
      for (var s = 0u; s < SLICE; s++) {
        var x: array<vec4f, ROWS>;
        for (var i = 0u; i < ROWS; i++) {
          x[i] = a_slices[ready][(down + i * 8u) * SLICE + s];
        }
        for (var j = 0u; j < GROUPS; j++) {
          let column = across + j * 8u;
          var v = mat4x4f(
            b_slices[ready][place(s, 0u, column)],
            b_slices[ready][place(s, 1u, column)],
            b_slices[ready][place(s, 2u, column)],
            b_slices[ready][place(s, 3u, column)],
          );
          if (B_TRANSPOSED) {
            v = transpose(v);
          }
          for (var i = 0u; i < ROWS; i++) {
            c[i][j] = fma(vec4f(x[i].x), v[0], c[i][j]);
            c[i][j] = fma(vec4f(x[i].y), v[1], c[i][j]);
            c[i][j] = fma(vec4f(x[i].z), v[2], c[i][j]);
            c[i][j] = fma(vec4f(x[i].w), v[3], c[i][j]);
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
        let load = index + i * 64u;
        if (B_TRANSPOSED) {
          let column = load / SLICE;
          b_slices[to][place(load % SLICE, column % 4u, column / 4u)] = next_b[i];
        } else {
          b_slices[to][load] = next_b[i];
        }
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < ROWS; i++) {
    let line = m + down + i * 8u;
    if (line < g.m) {
      let at = target_of(g, line);
      for (var j = 0u; j < GROUPS; j++) {
        let column = n + across + j * 8u;
        if (column < g.n4) {
          y[part * g.y4 + at + column] = epilogue(c[i][j], at + column, scale[column], shift[column]);
        }
      }
    }
  }
}
