// Per channel, in PARTS interleaved shares of the rows: sum of dy and sum of dy * (x - mean); with SQUARE sum of
// (x - mean) and of its square instead. y is [PARTS, 2, C].
const ROWS: u32 = 1u;
const C: u32 = 1u;
const PARTS: u32 = 1u;
const SQUARE: bool = false;

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= C * PARTS) {
    return;
  }
  let c = i % C;
  let part = i / C;
  let centre = mean[c];
  var first = 0.0;
  var second = 0.0;
  for (var r = part; r < ROWS; r += PARTS) {
    let t = x[r * C + c] - centre;
    if (SQUARE) {
      first += t;
      second += t * t;
    } else {
      let g = dy[r * C + c];
      first += g;
      second += g * t;
    }
  }
  y[part * 2u * C + c] = first;
  y[part * 2u * C + C + c] = second;
}
