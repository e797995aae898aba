// Pictures of bytes [N,H,W,3], four to a word, as a network's input [N,C,H,W]: y = table[c, byte]. With one channel the
// byte is the pixel's brightness (ITU-R BT.601 in whole numbers, as PIL's mode L).
struct Sizes {
  count: u32, // elements of y
  area: u32, // H W
  channels: u32, // 1 or 3
  words: u32, // of a picture
}

@group(0) @binding(0) var<storage, read> words: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> sizes: Sizes;

fn byte(picture: u32, at: u32) -> u32 {
  return (words[picture * sizes.words + (at >> 2u)] >> (8u * (at & 3u))) & 255u;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= sizes.count) {
    return;
  }
  let plane = i / sizes.area;
  let pixel = 3u * (i - plane * sizes.area);
  let picture = plane / sizes.channels;
  let channel = plane - picture * sizes.channels;
  var value = byte(picture, pixel + channel);
  if (sizes.channels == 1u) {
    value = (19595u * value + 38470u * byte(picture, pixel + 1u) + 7471u * byte(picture, pixel + 2u) + 0x8000u) >> 16u;
  }
  y[i] = table[256u * channel + value];
}
