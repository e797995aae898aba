// Sums over pixels: y[tap, m, n] = sum over output pixels of a[pixel under the tap, m] * b[pixel, n], the weight gradient
// of a convolution and the product A^T B. The sum is shared out by rows of pixels (parts); gemm_finish.wgsl adds the
// parts up in a fixed order, without atomics.
struct Geometry {
  m4: u32, // groups of four of a that a tap reads in a row: its channels, or those of a whole row of taps
  n4: u32,
  pixel4: u32, // channels of a / 4: from one pixel to the next
  rows: u32, // images * oh
  oh: i32,
  ow: i32,
  ah: i32,
  aw: i32,
  taps_h: u32,
  taps_w: u32,
  stride_h: i32,
  stride_w: i32,
  pad_t: i32,
  pad_l: i32,
  dilation_h: i32,
  dilation_w: i32,
  y4: u32, // groups of four in all of y: from one part to the next
  m_tiles: u32,
  n_tiles: u32,
  parts: u32,
  rows_a_part: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read> geometry: Geometry;

// Which tile of which tap and part an index stands for.
struct Tile {
  m: u32,
  n: u32,
  tap: u32,
  part: u32,
}

fn tile_of(g: Geometry, index: u32) -> Tile {
  let m = index / g.n_tiles;
  let tap = m / g.m_tiles;
  let taps = g.taps_h * g.taps_w;
  return Tile(m % g.m_tiles, index % g.n_tiles, tap % taps, tap / taps);
}

// Output columns [x, y) whose pixel under a tap that lies `right` of the column's start is inside the picture.
fn columns(g: Geometry, right: i32) -> vec2i {
  let last = g.aw - 1 - right;
  return vec2i(max(0, (g.stride_w - 1 - right) / g.stride_w), select(0, min(g.ow, last / g.stride_w + 1), last >= 0));
}
