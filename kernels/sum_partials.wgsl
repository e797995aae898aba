// y[i] = sum over p of x[p, i], in the order of p: the fixed order makes split sums repeatable.
const COUNT: u32 = 1u; // vec4 groups of y
const PARTS: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  var sum = x[i];
  for (var p = 1u; p < PARTS; p++) {
    sum += x[p * COUNT + i];
  }
  y[i] = sum;
}
