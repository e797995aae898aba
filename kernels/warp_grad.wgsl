// The adjoint of kernels/warp.wgsl as a gather: dx[n, c, u, v] = sum over outputs (i, j) that weigh (u, v) of that weight
// times g[n, c, i, j]. They lie in the image of the square around (u, v) under the inverse map; their order is fixed.
const EDGE: bool = false;
const FAR: f32 = 1e6;
const GROUP: u32 = 4u; // channels that one walk over the outputs adds up

struct Sizes {
  count: u32, // pixels of dx in all pictures
  channels: u32,
  h: u32, // of dx
  w: u32,
  g_h: u32,
  g_w: u32,
  place: u32,
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> places: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = gid.x + gid.y * (groups.x * 64u);
  let s = sizes;
  if (at >= s.count) {
    return;
  }
  let pixel = at % (s.h * s.w);
  let here = vec2f(f32(pixel / s.w), f32(pixel % s.w));
  let n = at / (s.h * s.w);
  let p = n * s.place;
  let low = vec2f(places[p + 6u], places[p + 8u]);
  let high = vec2f(places[p + 7u], places[p + 9u]);
  let seen = all(here >= low) && all(here <= high);
  let a = vec2f(places[p], places[p + 3u]); // a step down in the output
  let b = vec2f(places[p + 1u], places[p + 4u]); // a step to the right
  let origin = vec2f(places[p + 2u], places[p + 5u]);
  let last = vec2f(f32(s.g_h) - 1.0, f32(s.g_w) - 1.0);
  var from_output = vec2f(0.0);
  var to_output = last;
  let det = a.x * b.y - a.y * b.x;
  if (det != 0.0) {
    // What is nearest to an edge pixel may lie any distance beyond it.
    let below = select(vec2f(1.0), vec2f(FAR), vec2<bool>(EDGE && here.x <= low.x, EDGE && here.y <= low.y));
    let above = select(vec2f(1.0), vec2f(FAR), vec2<bool>(EDGE && here.x >= high.x, EDGE && here.y >= high.y));
    let one = here - below - origin;
    let two = here + above - origin;
    // (i, j) = [b.y, -b.x; -a.y, a.x] (q - origin) / det at the four corners: each product is extreme at one end.
    let i1 = vec2f(b.y * one.x, b.y * two.x) / det;
    let i2 = vec2f(-b.x * one.y, -b.x * two.y) / det;
    let j1 = vec2f(-a.y * one.x, -a.y * two.x) / det;
    let j2 = vec2f(a.x * one.y, a.x * two.y) / det;
    let least = vec2f(min(i1.x, i1.y) + min(i2.x, i2.y), min(j1.x, j1.y) + min(j2.x, j2.y));
    let most = vec2f(max(i1.x, i1.y) + max(i2.x, i2.y), max(j1.x, j1.y) + max(j2.x, j2.y));
    from_output = clamp(ceil(least - 0.01), vec2f(0.0), last + 1.0);
    to_output = clamp(floor(most + 0.01), vec2f(-1.0), last);
  }
  if (!seen) {
    to_output = vec2f(-1.0);
  }
  let start = vec2i(from_output);
  let end = vec2i(to_output);
  let g_plane = s.g_h * s.g_w;
  for (var c0 = 0u; c0 < s.channels; c0 += GROUP) {
    let channels = min(GROUP, s.channels - c0);
    let plane = (n * s.channels + c0) * g_plane;
    var sums = array<f32, GROUP>();
    for (var i = start.x; i <= end.x; i++) {
      for (var j = start.y; j <= end.y; j++) {
        var q = a * f32(i) + b * f32(j) + origin;
        if (EDGE) {
          q = clamp(q, low, high);
        }
        let near = max(1.0 - abs(q - here), vec2f(0.0));
        let weight = near.x * near.y;
        if (weight != 0.0) {
          let index = plane + u32(i) * s.g_w + u32(j);
          for (var c = 0u; c < channels; c++) {
            sums[c] += weight * g[index + c * g_plane];
          }
        }
      }
    }
    for (var c = 0u; c < channels; c++) {
      dx[(n * s.channels + c0 + c) * (s.h * s.w) + pixel] = sums[c];
    }
  }
}
