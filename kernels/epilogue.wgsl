// What follows a convolution or a BatchNorm elementwise, in one pass: y = x * scale[c] + shift[c], + residual, ReLU,
// zero where gate <= 0, * out_scale[c]; each part switched on its own. Channels last.
// Behind a convolution it is a pass of its own, not part of the GEMM: inlined sixteen times there it took minutes to compile on lavapipe.
const WIDTH: u32 = 1u; // channels an invocation: 1, or 4 where they come in groups of four
const COUNT: u32 = 1u; // elements / WIDTH
const GROUPS: u32 = 1u; // channels / WIDTH
const HAS_SCALE: bool = false;
const HAS_SHIFT: bool = false;
const HAS_RESIDUAL: bool = false;
const RELU: bool = false;
const HAS_GATE: bool = false;
const HAS_OUT_SCALE: bool = false;

alias F = f32;

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read> scale: array<F>;
@group(0) @binding(2) var<storage, read> shift: array<F>;
@group(0) @binding(3) var<storage, read> residual: array<F>;
@group(0) @binding(4) var<storage, read> gate: array<F>;
@group(0) @binding(5) var<storage, read> out_scale: array<F>;
@group(0) @binding(6) var<storage, read_write> y: array<F>;

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
    v = select(v, F(0.0), v <= F(0.0));
  }
  if (HAS_GATE) {
    v = select(F(0.0), v, gate[i] > F(0.0));
  }
  if (HAS_OUT_SCALE) {
    v *= out_scale[c];
  }
  y[i] = v;
}
