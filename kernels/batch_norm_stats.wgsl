// Per channel, in PARTS interleaved shares of the rows: mean and sum of squared distances from it, by Welford's recurrence
// (1962), which does not cancel where the mean is large against the spread. y is [PARTS, 2, C].
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four
const ROWS: u32 = 1u;
const C: u32 = 1u; // channels / WIDTH
const PARTS: u32 = 1u;

alias F = f32;

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read_write> y: array<F>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= C * PARTS) {
    return;
  }
  let c = i % C;
  let part = i / C;
  var n = 0.0;
  var mean = F(0.0);
  var squares = F(0.0);
  for (var r = part; r < ROWS; r += PARTS) {
    n += 1.0;
    let v = x[r * C + c];
    let before = v - mean;
    mean += before * (1.0 / n);
    squares += before * (v - mean);
  }
  y[part * 2u * C + c] = mean;
  y[part * 2u * C + C + c] = squares;
}
