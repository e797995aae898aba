// Affine sampling, bilinear: y[n, c, i, j] = x[n, c] at row a i + b j + c, column d i + e j + f, pixel centres being whole
// numbers. places[n] = a b c d e f, then the region of x that is seen: first and last row, first and last column.
// Outside the region the value is its nearest edge's (EDGE), or settings[0] for each tap that falls there.
const EDGE: bool = false;

struct Sizes {
  count: u32, // of y / channels
  channels: u32,
  h: u32, // of y
  w: u32,
  x_h: u32,
  x_w: u32,
  place: u32, // numbers from one picture's place to the next one's: 10, or 0 where all have the same
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> places: array<f32>;
@group(0) @binding(2) var<storage, read> fill: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = gid.x + gid.y * (groups.x * 64u);
  let s = sizes;
  if (at >= s.count) {
    return;
  }
  let i = f32((at / s.w) % s.h);
  let j = f32(at % s.w);
  let n = at / (s.h * s.w);
  let p = n * s.place;
  let low = vec2f(places[p + 6u], places[p + 8u]);
  let high = vec2f(places[p + 7u], places[p + 9u]);
  var q = vec2f(
    places[p] * i + places[p + 1u] * j + places[p + 2u],
    places[p + 3u] * i + places[p + 4u] * j + places[p + 5u],
  );
  if (EDGE) {
    q = clamp(q, low, high);
  }
  // Kept near the picture, so that the conversion to whole numbers below is defined.
  q = clamp(q, vec2f(-2.0), vec2f(f32(s.x_h) + 1.0, f32(s.x_w) + 1.0));
  let first = floor(q);
  let share = q - first;
  var index: array<u32, 4>;
  var weight: array<f32, 4>;
  var missing = 0.0;
  for (var t = 0u; t < 4u; t++) {
    let right = vec2f(f32(t >> 1u), f32(t & 1u));
    let tap = first + right;
    let part = mix(1.0 - share, share, right);
    let seen = all(tap >= low) && all(tap <= high);
    let w = part.x * part.y;
    weight[t] = select(0.0, w, seen);
    missing += select(w, 0.0, seen);
    let inside = vec2u(clamp(tap, vec2f(0.0), vec2f(f32(s.x_h) - 1.0, f32(s.x_w) - 1.0)));
    index[t] = inside.x * s.x_w + inside.y;
  }
  let plane = s.x_h * s.x_w;
  for (var c = 0u; c < s.channels; c++) {
    let from_plane = (n * s.channels + c) * plane;
    var value = missing * fill[0];
    for (var t = 0u; t < 4u; t++) {
      // A tap without weight does not bring its NaN.
      if (weight[t] != 0.0) {
        value += weight[t] * x[from_plane + index[t]];
      }
    }
    y[((n * s.channels + c) * s.h + u32(i)) * s.w + u32(j)] = value;
  }
}
