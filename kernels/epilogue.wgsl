// What follows a convolution elementwise, in one pass: y = x * scale[c] + shift[c], + residual, ReLU, zero where
// gate <= 0, * out_scale[c]; each part switched on its own. Channels last, in groups of four.
// It is a pass of its own, not part of the GEMM: inlined sixteen times there it took minutes to compile on lavapipe.
const COUNT: u32 = 1u; // vec4 groups
const GROUPS: u32 = 1u; // channels / 4
const HAS_SCALE: bool = false;
const HAS_SHIFT: bool = false;
const HAS_RESIDUAL: bool = false;
const RELU: bool = false;
const HAS_GATE: bool = false;
const HAS_OUT_SCALE: bool = false;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> scale: array<vec4f>;
@group(0) @binding(2) var<storage, read> shift: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;
@group(0) @binding(4) var<storage, read> gate: array<vec4f>;
@group(0) @binding(5) var<storage, read> out_scale: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= COUNT) {
    return;
  }
  let c = i % GROUPS;
  var v = x[i];
  if (HAS_SCALE) {
    v *= scale[c];
  }
  if (HAS_SHIFT) {
    v += shift[c];
  }
  if (HAS_RESIDUAL) {
    v += residual[i];
  }
  if (RELU) {
    v = select(v, vec4f(0.0), v <= vec4f(0.0));
  }
  if (HAS_GATE) {
    v = select(vec4f(0.0), v, gate[i] > vec4f(0.0));
  }
  if (HAS_OUT_SCALE) {
    v *= out_scale[c];
  }
  y[i] = v;
}
