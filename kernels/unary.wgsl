// Elementwise functions of one tensor in any layout: y = f(x), or y = g f'(x) for the gradient. OP chooses; the table in
// src/ops/unary.ts states the formulas. Parameters come from a buffer, so that a function has one pipeline for all sizes
// and settings, and because WGSL has no literal for an infinity, which a bound of clamp may be.
//
// NaN is told by its bits: software adapters answer x != x with false, and may answer x < y with either. Built-in
// exp, log and tanh are right for ordinary arguments only; what they do with the others is settled here.
const OP: u32 = 0u;

struct Sizes {
  count: u32, // vec4 groups
  a: u32, // bits of two f32 parameters
  b: u32,
  infinity: u32, // bits of what cannot be written
  nan: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> g: array<vec4f>; // x again, where f itself is asked for
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read> sizes: Sizes;

fn is_nan(v: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

fn infinity() -> vec4f {
  return vec4f(bitcast<f32>(sizes.infinity));
}

fn nan() -> vec4f {
  return vec4f(bitcast<f32>(sizes.nan));
}

fn relu(v: vec4f) -> vec4f {
  return select(select(v, vec4f(0.0), v <= vec4f(0.0)), v, is_nan(v));
}

fn exponential(v: vec4f) -> vec4f {
  var e = exp(v);
  e = select(e, vec4f(0.0), v < vec4f(-104.0));
  e = select(e, infinity(), v > vec4f(88.72284));
  return select(e, v, is_nan(v));
}

fn logarithm(v: vec4f) -> vec4f {
  let denormal = (v < vec4f(1.1754944e-38)) & (v > vec4f(0.0));
  var l = log(select(v, v * 18446744073709551616.0, denormal)) - select(vec4f(0.0), vec4f(44.3614195558), denormal);
  l = select(l, v, v > vec4f(3.4028234e38));
  l = select(l, -infinity(), v == vec4f(0.0));
  l = select(l, nan(), v < vec4f(0.0));
  return select(l, v, is_nan(v));
}

// e^v - 1, without the cancellation near 0: there, Taylor's series.
fn exponential_minus_1(v: vec4f) -> vec4f {
  let near = v * (1.0 + v / 2.0 * (1.0 + v / 3.0 * (1.0 + v / 4.0 * (1.0 + v / 5.0 * (1.0 + v / 6.0 * (1.0 + v / 7.0))))));
  return select(exponential(v) - 1.0, near, abs(v) < vec4f(0.5));
}

// log(1 + z) for z in [0, 1] = 2 artanh(z / (2 + z)).
fn log_of_1_plus(z: vec4f) -> vec4f {
  let s = z / (2.0 + z);
  let q = s * s;
  return 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0 + q * (1.0 / 11.0 + q * (1.0 / 13.0)))))));
}

fn sigmoid(v: vec4f) -> vec4f {
  return 1.0 / (1.0 + exponential(-v));
}

// Near 0 by Lambert's continued fraction, multiplied out, further out as 1 - 2 / (e^2|v| + 1), which keeps the digits that matter.
fn hyperbolic_tangent(v: vec4f) -> vec4f {
  let q = v * v;
  let near = v * (10395.0 + q * (1260.0 + q * 21.0)) / (10395.0 + q * (4725.0 + q * (210.0 + q)));
  let far = sign(v) * (1.0 - 2.0 / (exp(2.0 * min(abs(v), vec4f(10.0))) + 1.0));
  return select(select(far, near, abs(v) < vec4f(0.75)), v, is_nan(v));
}

fn softplus(v: vec4f) -> vec4f {
  return relu(v) + log_of_1_plus(exponential(-abs(v)));
}

// Near 0 the Maclaurin series, further out formula 7.1.26 of Abramowitz and Stegun, whose error is 1.5e-7 at most.
fn error_function(v: vec4f) -> vec4f {
  let q = v * v;
  let near = 1.1283791671 * v * (1.0 - q * (1.0 / 3.0 - q * (1.0 / 10.0 - q * (1.0 / 42.0 - q * (1.0 / 216.0 - q * (1.0 / 1320.0 - q * (1.0 / 9360.0 - q * (1.0 / 75600.0 - q * (1.0 / 685440.0)))))))));
  let t = 1.0 / (1.0 + 0.3275911 * abs(v));
  let tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let far = sign(v) * (1.0 - tail * exponential(-q));
  return select(select(far, near, abs(v) < vec4f(1.0)), v, is_nan(v));
}

// Standard normal density and distribution function.
fn density(v: vec4f) -> vec4f {
  return 0.3989422804 * exponential(-0.5 * v * v);
}

fn distribution(v: vec4f) -> vec4f {
  return 0.5 * (1.0 + error_function(v * 0.7071067812));
}

// tanh(sqrt(2/pi) (v + 0.044715 v^3))
fn gelu_tanh(v: vec4f) -> vec4f {
  return hyperbolic_tangent(0.7978845608 * (v + 0.044715 * v * v * v));
}

// tanh(softplus(v)) = n / (n + 2), n = e^v (e^v + 2); 1 in f32 from 20 on.
fn mish_tanh(v: vec4f) -> vec4f {
  let e = exponential(select(min(v, vec4f(20.0)), v, is_nan(v)));
  let n = e * (e + 2.0);
  return n / (n + 2.0);
}

fn clamped(v: vec4f, low: vec4f, high: vec4f) -> vec4f {
  var c = select(v, low, v < low);
  c = select(c, high, c > high);
  return select(c, v, is_nan(v));
}

// The nearest value of 10 bits behind the point, ties to even; infinite from 65,520 on; multiples of 2^-24 near 0.
fn to_half(v: vec4f) -> vec4f {
  let bits = bitcast<vec4u>(v);
  let magnitude = bits & vec4u(0x7fffffffu);
  let kept = (bits + vec4u(0xfffu) + ((bits >> vec4u(13u)) & vec4u(1u))) & vec4u(0xffffe000u);
  var h = bitcast<vec4f>(kept);
  h = select(h, round(v * 16777216.0) / 16777216.0, magnitude < vec4u(0x38800000u));
  h = select(h, sign(v) * infinity(), magnitude >= vec4u(0x477ff000u));
  return select(h, v, is_nan(v));
}

// sin(v + quarters * pi / 2). The argument is brought into [-pi/4, pi/4] by three parts of pi/2 (Cody and Waite), good
// to about |v| = 1e5, and the rest is Taylor's series: built-in sin may be off by 5e-4.
fn sine(v: vec4f, quarters: i32) -> vec4f {
  let k = round(v * 0.63661977236);
  let r = ((v - k * 1.5703125) - k * 4.837512969970703e-4) - k * 7.549789948768648e-8;
  let q = r * r;
  let s = r * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0))));
  let c = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0))));
  let turn = (vec4i(clamp(k, vec4f(-1e9), vec4f(1e9))) + quarters) & vec4i(3);
  let w = select(s, c, (turn & vec4i(1)) == vec4i(1));
  let signed = select(w, -w, turn >= vec4i(2));
  return select(signed, nan(), (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) >= vec4u(0x7f800000u));
}

fn value(v: vec4f) -> vec4f {
  let a = vec4f(bitcast<f32>(sizes.a));
  let b = vec4f(bitcast<f32>(sizes.b));
  let zero = vec4f(0.0);
  let one = vec4f(1.0);
  switch (OP) {
    case 0u: { return relu(v); }
    case 1u: { return -v; }
    case 2u: { return exponential(v); }
    case 3u: { return logarithm(v); }
    case 4u: { return select(sqrt(v), v, is_nan(v) | (v > vec4f(3.4028234e38))); }
    case 5u: { return sigmoid(v); }
    case 6u: { return hyperbolic_tangent(v); }
    case 7u: { return clamped(v, a, b); }
    case 8u: { return abs(v); }
    case 9u: { return 1.0 / v; }
    case 10u: { return a * v + b; }
    case 11u: { return v * v; }
    case 12u: { return select(sign(v), zero, is_nan(v)); }
    case 13u: { return 1.0 / sqrt(v); }
    case 14u: { return select(a * exponential_minus_1(v), v, v > zero); }
    case 15u: { return b * select(a * exponential_minus_1(v), v, v > zero); }
    case 16u: { return clamped(a * v + b, zero, one); }
    case 17u: { return v * clamped(v + 3.0, zero, vec4f(6.0)) / 6.0; }
    case 18u: { return v * sigmoid(v); }
    case 19u: { return v * mish_tanh(v); }
    case 20u: { return v * distribution(v); }
    case 21u: { return 0.5 * v * (1.0 + gelu_tanh(v)); }
    case 22u: { return softplus(v); }
    case 23u: { return v / (1.0 + abs(v)); }
    case 24u: { return error_function(v); }
    case 25u: { return sine(v, 0); }
    case 26u: { return sine(v, 1); }
    case 27u: { return floor(v); }
    case 28u: { return ceil(v); }
    case 29u: { return round(v); }
    case 30u: { return trunc(v); }
    case 31u: { return select(a * v, v, v > zero); }
    case 32u: { return select(zero, one, (v == zero) & !is_nan(v)); }
    case 33u: { return select(one, zero, (v == zero) & !is_nan(v)); }
    case 34u: { return to_half(v); }
    default: { return v; }
  }
}

// g f'(v), v being y where the table's derivative is in terms of y.
fn gradient(v: vec4f, d: vec4f) -> vec4f {
  let a = vec4f(bitcast<f32>(sizes.a));
  let b = vec4f(bitcast<f32>(sizes.b));
  let zero = vec4f(0.0);
  switch (OP - 100u) {
    case 4u: { return d / (2.0 * v); }
    case 5u: { return d * (v * (1.0 - v)); }
    case 6u: { return d * (1.0 - v * v); }
    case 7u: { return select(zero, d, (v >= a) & (v <= b) & !is_nan(v)); }
    case 8u: { return d * select(sign(v), zero, is_nan(v)); }
    case 9u: { return -d * (v * v); }
    case 13u: { return -0.5 * d * (v * v * v); }
    case 14u: { return select(d * (a * exponential(v)), d, v > zero); }
    case 15u: { return d * b * select(a * exponential(v), vec4f(1.0), v > zero); }
    case 16u: { return select(zero, d * a, (a * v + b > zero) & (a * v + b < vec4f(1.0)) & !is_nan(v)); }
    case 17u: { return select(select(d * (v / 3.0 + 0.5), d, v >= vec4f(3.0)), zero, v <= vec4f(-3.0)); }
    case 18u: {
      let s = sigmoid(v);
      return d * (s * (1.0 + v * (1.0 - s)));
    }
    case 19u: {
      let t = mish_tanh(v);
      return d * (t + v * sigmoid(v) * (1.0 - t * t));
    }
    case 20u: { return d * (distribution(v) + v * density(v)); }
    case 21u: {
      let t = gelu_tanh(v);
      return d * (0.5 * (1.0 + t) + 0.5 * v * (1.0 - t * t) * 0.7978845608 * (1.0 + 0.134145 * min(v * v, vec4f(1e30))));
    }
    case 22u: { return d * sigmoid(v); }
    case 23u: { return d / ((1.0 + abs(v)) * (1.0 + abs(v))); }
    case 24u: { return d * (1.1283791671 * exponential(-v * v)); }
    case 31u: { return select(a * d, d, v > zero); }
    default: { return d; }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = gid.x + gid.y * (groups.x * 64u);
  if (i >= sizes.count) {
    return;
  }
  if (OP < 100u) {
    y[i] = value(x[i]);
  } else {
    y[i] = gradient(x[i], g[i]);
  }
}
