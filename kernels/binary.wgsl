// y = f(a, b) elementwise with broadcasting. OP chooses f; the table in src/ops/binary.ts states the formulas.
// NaN is told by its bits, as in unary.wgsl.
//
// FORM 0: each operand is like the result, or one value for all of it.
// FORM 1: strides along each axis, where the fastest extent comes in fours and each operand lies along it or repeats.
// FORM 2: strides along each axis, any extents.
//
// sizes[0]: vec4 groups, elements, axes, whether a repeats along the fastest axis (1) and b does (2)
// sizes[1]: bits of infinity and of NaN, which WGSL cannot write
// sizes[2 + k]: extent of axis k (the fastest first; in fours in form 1), strides of a and of b
const OP: u32 = 0u;
const FORM: u32 = 0u;

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

// Offsets in a and b of item i of y.
fn offsets(item: u32) -> vec2u {
  var i = item;
  var at = vec2u(0u);
  let last = sizes[0].z - 1u;
  for (var k = 0u; k < last; k++) {
    let axis = sizes[2u + k];
    let q = i / axis.x;
    at += (i - q * axis.x) * axis.yz;
    i = q;
  }
  return at + i * sizes[2u + last].yz;
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
    let at = i * sizes[2].yz;
    y[i] = apply(group_of(a[at.x], 0u, head.w & 1u), group_of(b[at.y], 0u, head.w & 2u));
  } else if (FORM == 1u) {
    let at = offsets(i);
    y[i] = apply(group_of(a[at.x >> 2u], at.x, head.w & 1u), group_of(b[at.y >> 2u], at.y, head.w & 2u));
  } else {
    var u: vec4f;
    var v: vec4f;
    for (var lane = 0u; lane < 4u; lane++) {
      let at = offsets(min(i * 4u + lane, head.y - 1u));
      u[lane] = a[at.x >> 2u][at.x & 3u];
      v[lane] = b[at.y >> 2u][at.y & 3u];
    }
    y[i] = apply(u, v);
  }
}
