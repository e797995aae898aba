// What follows elementwise: a list of steps in order, each step at most once, as digits of `steps` from the lowest.
const SCALE: u32 = 1u; // times scale[channel]
const SHIFT: u32 = 2u; // plus shift[channel]
const ADD: u32 = 3u; // plus residual, laid out like the result
const RELU: u32 = 4u; // NaN passes
const MASK: u32 = 5u; // zero where gate <= 0, laid out like the result
const BITS: u32 = 6u; // the same, from the bits of positive_bits.wgsl

fn epilogue(steps: u32, value: F, at: u32, channel: u32) -> F {
  var v = value;
  for (var s = steps; s != 0u; s >>= 4u) {
    switch (s & 15u) {
      case SCALE: {
        v *= scale[channel];
      }
      case SHIFT: {
        v += shift[channel];
      }
      case ADD: {
        v += residual[at];
      }
      case RELU: {
        v = select(v, F(0.0), v <= F(0.0));
      }
      case MASK: {
        v = select(v, F(0.0), bitcast<F>(gate[at]) <= F(0.0));
      }
      default: {
        v = select(v, F(0.0), ((gate[at / 32u] >> U(at % 32u)) & U(1u)) == U(0u));
      }
    }
  }
  return v;
}
