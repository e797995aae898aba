// Softmax or log-softmax along an axis, one line an invocation: element j of line i is at (i / inner * extent + j) * inner +
// i % inner. The maximum is taken off first, so that nothing overflows; its logarithm is added up last, since
// top + log(total) would lose the digits of log(total) where top is large. A line with NaN, with +infinity or with
// nothing but -infinity is NaN, as in PyTorch.
const LOG: bool = false;

struct Lines {
  count: u32,
  extent: u32,
  inner: u32,
  nan: u32, // bits of a NaN, for which WGSL has no literal
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> lines: Lines;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= lines.count) {
    return;
  }
  let inner = lines.inner;
  let first = (i / inner) * lines.extent * inner + i % inner;
  // Drivers differ in what max, exp and comparisons make of NaN and infinity: those are told by their bits.
  var top = x[first];
  var finite = false;
  var spoilt = false;
  for (var j = 0u; j < lines.extent; j++) {
    let v = x[first + j * inner];
    let bits = bitcast<u32>(v);
    spoilt |= (bits & 0x7fffffffu) > 0x7f800000u || bits == 0x7f800000u;
    finite |= bits != 0xff800000u;
    top = max(top, v);
  }
  if (spoilt || !finite) {
    for (var j = 0u; j < lines.extent; j++) {
      y[first + j * inner] = bitcast<f32>(lines.nan);
    }
    return;
  }
  var total = 0.0;
  for (var j = 0u; j < lines.extent; j++) {
    total += exp(x[first + j * inner] - top);
  }
  let log_total = log(total);
  for (var j = 0u; j < lines.extent; j++) {
    let at = first + j * inner;
    if (LOG) {
      y[at] = (x[at] - top) - log_total;
    } else {
      y[at] = exp(x[at] - top) / total;
    }
  }
}
