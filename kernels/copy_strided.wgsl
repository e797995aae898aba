// y[out_offset + sum c_k os_k] = x[in_offset + sum (c_k - p_k) is_k] for every coordinate c of d0 x ... x d5, or fill
// where MASKED and some c_k - p_k lies outside [0, l_k). Layout changes, transposes, slices, pads, concatenations and
// broadcasts are all this. Words are moved as u32, so that i32 indices survive (as f32 they would be denormal); four at
// once where whole groups of four lie together on both sides (WIDTH 4: everything counts in groups then).
const WIDTH: u32 = 1u;
const RANK: u32 = 6u; // axes in use, the last ones: the others are neither divided by nor added up
const MASKED: bool = false;

alias U = u32;

struct Copy {
  count: u32, // d0 * ... * d5
  in_offset: i32,
  out_offset: u32,
  fill: u32, // bits
  d0: u32,
  d1: u32,
  d2: u32,
  d3: u32,
  d4: u32,
  d5: u32,
  is0: i32,
  is1: i32,
  is2: i32,
  is3: i32,
  is4: i32,
  is5: i32,
  os0: u32,
  os1: u32,
  os2: u32,
  os3: u32,
  os4: u32,
  os5: u32,
  p0: i32,
  p1: i32,
  p2: i32,
  p3: i32,
  p4: i32,
  p5: i32,
  l0: i32,
  l1: i32,
  l2: i32,
  l3: i32,
  l4: i32,
  l5: i32,
}

@group(0) @binding(0) var<storage, read> x: array<U>;
@group(0) @binding(1) var<storage, read_write> y: array<U>;
@group(0) @binding(2) var<uniform> copy: Copy;

struct Place {
  src: i32,
  dst: u32,
  inside: bool,
}

fn moved(at: Place, c: u32, is: i32, os: u32, p: i32, l: i32) -> Place {
  let s = i32(c) - p;
  return Place(at.src + s * is, at.dst + c * os, at.inside && (!MASKED || (s >= 0 && s < l)));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  var i = gid.x + gid.y * (groups.x * 64u);
  if (i >= copy.count) {
    return;
  }
  var at = Place(copy.in_offset, copy.out_offset, true);
  if (RANK > 1u) {
    at = moved(at, i % copy.d5, copy.is5, copy.os5, copy.p5, copy.l5);
    i /= copy.d5;
  }
  if (RANK > 2u) {
    at = moved(at, i % copy.d4, copy.is4, copy.os4, copy.p4, copy.l4);
    i /= copy.d4;
  }
  if (RANK > 3u) {
    at = moved(at, i % copy.d3, copy.is3, copy.os3, copy.p3, copy.l3);
    i /= copy.d3;
  }
  if (RANK > 4u) {
    at = moved(at, i % copy.d2, copy.is2, copy.os2, copy.p2, copy.l2);
    i /= copy.d2;
  }
  if (RANK > 5u) {
    at = moved(at, i % copy.d1, copy.is1, copy.os1, copy.p1, copy.l1);
    i /= copy.d1;
  }
  // What is left is the coordinate of the outermost axis in use.
  switch (RANK) {
    case 1u: { at = moved(at, i, copy.is5, copy.os5, copy.p5, copy.l5); }
    case 2u: { at = moved(at, i, copy.is4, copy.os4, copy.p4, copy.l4); }
    case 3u: { at = moved(at, i, copy.is3, copy.os3, copy.p3, copy.l3); }
    case 4u: { at = moved(at, i, copy.is2, copy.os2, copy.p2, copy.l2); }
    case 5u: { at = moved(at, i, copy.is1, copy.os1, copy.p1, copy.l1); }
    default: { at = moved(at, i, copy.is0, copy.os0, copy.p0, copy.l0); }
  }
  if (at.inside) {
    y[at.dst] = x[u32(at.src)];
  } else {
    y[at.dst] = U(copy.fill);
  }
}
