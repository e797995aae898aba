// y = f(a, b) with any broadcasting: strides of 0 repeat. OP as in binary.wgsl; the general, slower form.
const D0: u32 = 1u;
const D1: u32 = 1u;
const D2: u32 = 1u;
const D3: u32 = 1u;
const D4: u32 = 1u;
const D5: u32 = 1u;
const AS0: u32 = 0u;
const AS1: u32 = 0u;
const AS2: u32 = 0u;
const AS3: u32 = 0u;
const AS4: u32 = 0u;
const AS5: u32 = 0u;
const BS0: u32 = 0u;
const BS1: u32 = 0u;
const BS2: u32 = 0u;
const BS3: u32 = 0u;
const BS4: u32 = 0u;
const BS5: u32 = 0u;
const OP: u32 = 0u;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn apply(u: f32, v: f32) -> f32 {
  switch (OP) {
    case 0u: { return u + v; }
    case 1u: { return u - v; }
    case 2u: { return u * v; }
    case 3u: { return u / v; }
    case 4u: { return max(u, v); }
    case 5u: { return min(u, v); }
    case 6u: { return select(0.0, u, v > 0.0); }
    case 7u: { return f32(u > v); }
    case 8u: { return f32(u == v); }
    default: { return u; }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= D0 * D1 * D2 * D3 * D4 * D5) {
    return;
  }
  var r = i;
  let c5 = r % D5;
  r /= D5;
  let c4 = r % D4;
  r /= D4;
  let c3 = r % D3;
  r /= D3;
  let c2 = r % D2;
  r /= D2;
  let c1 = r % D1;
  let c0 = r / D1;
  let ia = c0 * AS0 + c1 * AS1 + c2 * AS2 + c3 * AS3 + c4 * AS4 + c5 * AS5;
  let ib = c0 * BS0 + c1 * BS1 + c2 * BS2 + c3 * BS3 + c4 * BS4 + c5 * BS5;
  y[i] = apply(a[ia], b[ib]);
}
