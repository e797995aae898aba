// y[i, c] = ON where target[i] = c, else OFF; zeros where target[i] is IGNORE. y is [ROWS, CLASSES].
const ROWS: u32 = 1u;
const CLASSES: u32 = 1u;
const ON: f32 = 1.0f;
const OFF: f32 = 0.0f;
const IGNORE: i32 = -100i;

@group(0) @binding(0) var<storage, read> indices: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= ROWS * CLASSES) {
    return;
  }
  let label = indices[i / CLASSES];
  let value = select(OFF, ON, label == i32(i % CLASSES));
  y[i] = select(value, 0.0, label == IGNORE);
}
