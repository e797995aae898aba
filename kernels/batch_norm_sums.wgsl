// Per channel, in PARTS interleaved shares of the rows: sum of dy and sum of dy * (x - mean). y is [PARTS, 2, C].
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four
const ROWS: u32 = 1u;
const C: u32 = 1u; // channels / WIDTH
const PARTS: u32 = 1u;

alias F = f32;

@group(0) @binding(0) var<storage, read> dy: array<F>;
@group(0) @binding(1) var<storage, read> x: array<F>;
@group(0) @binding(2) var<storage, read> mean: array<F>;
@group(0) @binding(3) var<storage, read_write> y: array<F>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= C * PARTS) {
    return;
  }
  let c = i % C;
  let part = i / C;
  let centre = mean[c];
  var first = F(0.0);
  var second = F(0.0);
  for (var r = part; r < ROWS; r += PARTS) {
    let g = dy[r * C + c];
    first += g;
    second += g * (x[r * C + c] - centre);
  }
  y[part * 2u * C + c] = first;
  y[part * 2u * C + C + c] = second;
}
