// What follows elementwise: the steps of STEPS in order, one digit each, the first one lowest. For a list of steps
// specialize() writes `epilogue` as calls of the functions below. A list that is read while the kernel runs costs
// software adapters every function at every step: they compute both sides of a branch.
// `factor` and `summand` are scale[channel] and shift[channel], which kernels load once for all rows.
const STEPS: u32 = 0u;
fn epilogue(v: F, at: u32, factor: F, summand: F) -> F { return v; }

// 1
fn scaled(v: F, at: u32, factor: F, summand: F) -> F {
  return v * factor;
}

// 2
fn shifted(v: F, at: u32, factor: F, summand: F) -> F {
  return v + summand;
}

// 3: laid out like the result
fn added(v: F, at: u32, factor: F, summand: F) -> F {
  return v + residual[at];
}

// 4: NaN passes
fn rectified(v: F, at: u32, factor: F, summand: F) -> F {
  return select(v, F(0.0), v <= F(0.0));
}

// 5: zero where gate <= 0, laid out like the result
fn masked(v: F, at: u32, factor: F, summand: F) -> F {
  return select(v, F(0.0), bitcast<F>(gate[at]) <= F(0.0));
}

// 6: the same, from the bits of positive_bits.wgsl
fn masked_by_bits(v: F, at: u32, factor: F, summand: F) -> F {
  return select(v, F(0.0), ((gate[at / 32u] >> U(at % 32u)) & U(1u)) == U(0u));
}
