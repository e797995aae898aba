// y = x, from pairs of half floats: for ops that have no way to read these themselves.
@group(0) @binding(0) var<storage, read> x: array<vec2u>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

const COUNT: u32 = 1u; // groups of four

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i < COUNT) {
    y[i] = vec4f(unpack2x16float(x[i].x), unpack2x16float(x[i].y));
  }
}
