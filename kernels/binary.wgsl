// y = f(a, b) elementwise with broadcasting. OP chooses f; the table in src/ops/binary.ts states the formulas.
// NaN is told by its bits, as in unary.wgsl.
//
// FORM 0: both operands are like the result. 1: b is one value. 2: a is one value.
// FORM 3: strides along each axis, where the fastest extent comes in fours and each operand lies along it or repeats.
// FORM 4: strides along each axis, any extents.
//
// sizes[0]: vec4 groups, elements, whether a repeats along the fastest axis (1) and b does (2)
// sizes[1]: bits of infinity and of NaN, which WGSL cannot write
// sizes[2 + k]: extent of axis k (the fastest first; in fours in form 3), strides of a and of b, bits of 1 / extent
const OP: u32 = 0u;
const FORM: u32 = 0u;
const AXES: u32 = 1u; // 1 to 6, in forms 3 and 4

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read> sizes: array<vec4u>;

fn is_nan(v: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

fn truth(v: vec4<bool>) -> vec4f {
  return select(vec4f(0.0), vec4f(1.0), v);
}

// v wherever an operand is NaN, else w.
fn or_nan(w: vec4f, u: vec4f, v: vec4f) -> vec4f {
  return select(select(w, v, is_nan(v)), u, is_nan(u));
}

// log2 of v >= 0, also of what drivers would take for 0.
fn binary_logarithm(v: vec4f) -> vec4f {
  let denormal = (v < vec4f(1.1754944e-38)) & (v > vec4f(0.0));
  return log2(select(v, v * 18446744073709551616.0, denormal)) - select(vec4f(0.0), vec4f(64.0), denormal);
}

fn logarithm(v: vec4f) -> vec4f {
  let infinity = vec4f(bitcast<f32>(sizes[1].x));
  var l = 0.6931471806 * binary_logarithm(v);
  l = select(l, v, v > vec4f(3.4028234e38));
  l = select(l, -infinity, v == vec4f(0.0));
  l = select(l, vec4f(bitcast<f32>(sizes[1].y)), v < vec4f(0.0));
  return select(l, v, is_nan(v));
}

// u^v as IEEE 754 has it: built-in pow is for u >= 0 only, and loses digits far from 1.
fn power(u: vec4f, v: vec4f) -> vec4f {
  let zero = vec4f(0.0);
  let infinity = vec4f(bitcast<f32>(sizes[1].x));
  let size = abs(u);
  let whole = floor(v) == v;
  let odd = whole & (abs(v) < vec4f(16777216.0)) & (floor(v * 0.5) != v * 0.5);
  let e = v * binary_logarithm(size);
  var p = exp2(e);
  p = select(p, infinity, e >= vec4f(128.0));
  p = select(p, zero, e < vec4f(-150.0));
  // 0, infinity and 1 to a power: exponent 0 is seen to last.
  let large = vec4f(3.4028234e38);
  p = select(p, select(infinity, zero, v > zero), size == zero);
  p = select(p, select(zero, infinity, v > zero), size > large);
  p = select(p, select(select(infinity, zero, size < vec4f(1.0)), select(zero, infinity, size < vec4f(1.0)), v < zero), abs(v) > large);
  p = select(p, vec4f(1.0), size == vec4f(1.0));
  p = select(p, -p, odd & (bitcast<vec4i>(u) < vec4i(0)));
  p = select(p, vec4f(bitcast<f32>(sizes[1].y)), (u < zero) & (size <= large) & !whole);
  p = or_nan(p, u, v);
  return select(p, vec4f(1.0), ((v == zero) & !is_nan(v)) | ((u == vec4f(1.0)) & !is_nan(u)));
}

fn apply(u: vec4f, v: vec4f) -> vec4f {
  let zero = vec4f(0.0);
  switch (OP) {
    case 0u: { return u + v; }
    case 1u: { return u - v; }
    case 2u: { return u * v; }
    case 3u: { return u / v; }
    case 4u: { return or_nan(select(v, u, u > v), u, v); }
    case 5u: { return or_nan(select(v, u, u < v), u, v); }
    case 6u: { return select(u, zero, (v <= zero) & !is_nan(v)); }
    case 7u: { return truth((u > v) & !is_nan(u) & !is_nan(v)); }
    case 8u: { return truth((u == v) & !is_nan(u) & !is_nan(v)); }
    case 9u: { return truth((u < v) & !is_nan(u) & !is_nan(v)); }
    case 10u: { return truth((u >= v) & !is_nan(u) & !is_nan(v)); }
    case 11u: { return truth((u <= v) & !is_nan(u) & !is_nan(v)); }
    case 12u: { return truth(((u != zero) | is_nan(u)) & ((v != zero) | is_nan(v))); }
    case 13u: { return truth((u != zero) | is_nan(u) | (v != zero) | is_nan(v)); }
    case 14u: { return truth(((u != zero) | is_nan(u)) != ((v != zero) | is_nan(v))); }
    case 15u: { return power(u, v); }
    case 16u: { return select(v * power(u, v - 1.0), zero, v == zero); }
    case 17u: { return select(power(u, v) * logarithm(u), zero, (u == zero) & (v >= zero)); }
    case 18u: { return select(v * u, u, u > zero); }
    // The share of a in the gradient of max(a, b).
    case 19u: {
      let share = select(select(vec4f(1.0), zero, u < v), vec4f(0.5), u == v);
      return select(share, vec4f(1.0), is_nan(u) | is_nan(v));
    }
    default: { return u; }
  }
}

// i / d, inverse being about 1 / d: a remainder and its quotient put right what the first product has lost. Software
// adapters divide integers one lane at a time.
fn quotient(i: u32, d: u32, inverse: f32) -> u32 {
  var q = u32(f32(i) * inverse);
  q = u32(i32(q) + i32(floor(f32(i32(i - q * d)) * inverse)));
  let r = i32(i - q * d);
  return select(select(q, q + 1u, r >= i32(d)), q - 1u, r < 0);
}

// What is left of an item's number, and its offsets in a and b so far.
struct Walk {
  rest: u32,
  at: vec2u,
}

fn along(walk: Walk, axis: vec4u) -> Walk {
  let q = quotient(walk.rest, axis.x, bitcast<f32>(axis.w));
  return Walk(q, walk.at + (walk.rest - q * axis.x) * axis.yz);
}

// Offsets in a and b of item i of y. Written out: a loop costs software adapters twice the time of what is in it.
fn offsets(item: u32) -> vec2u {
  var w = Walk(item, vec2u(0u));
  if (AXES > 1u) {
    w = along(w, sizes[2]);
  }
  if (AXES > 2u) {
    w = along(w, sizes[3]);
  }
  if (AXES > 3u) {
    w = along(w, sizes[4]);
  }
  if (AXES > 4u) {
    w = along(w, sizes[5]);
  }
  if (AXES > 5u) {
    w = along(w, sizes[6]);
  }
  return w.at + w.rest * sizes[AXES + 1u].yz;
}

fn element(item: u32, last: u32) -> vec2f {
  let at = offsets(min(item, last));
  return vec2f(a[at.x >> 2u][at.x & 3u], b[at.y >> 2u][at.y & 3u]);
}

fn group_of(v: vec4f, at: u32, repeats: u32) -> vec4f {
  return select(v, vec4f(v[at & 3u]), repeats != 0u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  let head = sizes[0];
  if (i >= head.x) {
    return;
  }
  if (FORM == 0u) {
    y[i] = apply(a[i], b[i]);
  } else if (FORM == 1u) {
    y[i] = apply(a[i], vec4f(b[0].x));
  } else if (FORM == 2u) {
    y[i] = apply(vec4f(a[0].x), b[i]);
  } else if (FORM == 3u) {
    let at = offsets(i);
    y[i] = apply(group_of(a[at.x >> 2u], at.x, head.z & 1u), group_of(b[at.y >> 2u], at.y, head.z & 2u));
  } else {
    let last = head.y - 1u;
    let e0 = element(i * 4u, last);
    let e1 = element(i * 4u + 1u, last);
    let e2 = element(i * 4u + 2u, last);
    let e3 = element(i * 4u + 3u, last);
    y[i] = apply(vec4f(e0.x, e1.x, e2.x, e3.x), vec4f(e0.y, e1.y, e2.y, e3.y));
  }
}
