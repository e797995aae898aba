// Smooth random masks: y[b, row, column] = grid[b] (CELLS x CELLS) at u = (i + shift + 1/2) CELLS / EXTENT - 1/2 along
// both axes, linear between cell centres, mirrored at the outermost ones. shifts[b] is (row, column).
const CELLS: u32 = 7u;
const H: u32 = 1u;
const W: u32 = 1u;
const EXTENT_H: u32 = 1u;
const EXTENT_W: u32 = 1u;
const COUNT: u32 = 1u;

@group(0) @binding(0) var<storage, read> grid: array<f32>;
@group(0) @binding(1) var<storage, read> shifts: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

struct Place {
  low: u32,
  high: u32,
  share: f32, // of the high one
}

fn place(i: f32, extent: u32) -> Place {
  let last = f32(CELLS - 1u);
  let u = abs((i + 0.5) * f32(CELLS) / f32(extent) - 0.5);
  let mirrored = clamp(select(u, 2.0 * last - u, u > last), 0.0, last);
  let low = u32(floor(mirrored));
  return Place(low, min(low + 1u, CELLS - 1u), mirrored - f32(low));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let b = i / (H * W);
  let row = place(f32((i / W) % H) + shifts[2u * b], EXTENT_H);
  let column = place(f32(i % W) + shifts[2u * b + 1u], EXTENT_W);
  let base = b * CELLS * CELLS;
  let top = mix(grid[base + row.low * CELLS + column.low], grid[base + row.low * CELLS + column.high], column.share);
  let bottom = mix(grid[base + row.high * CELLS + column.low], grid[base + row.high * CELLS + column.high], column.share);
  y[i] = mix(top, bottom, row.share);
}
