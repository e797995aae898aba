/**
 * What every GEMM-shaped op boils down to, in numbers alone: convolutions with their two gradients, matrix products.
 *
 *   nn  y[row, n] = sum over taps, k of a[pixel(row, tap), k] * b[tap, k, n]    forward pass, A B
 *   nt  the same with b[tap, n, k]                                             input gradient, A B^T
 *   tn  y[tap, m, n] = sum over pixels of a[pixel under tap, m] * b[pixel, n]   weight gradient, A^T B
 *
 * Channels come padded to multiples of four. A problem says nothing of tiles: those are a kernel family's.
 */
import type { ConvGeometry } from './geometry.ts';
import type { StepKind } from './steps.ts';

export const roundUp4 = (n: number): number => Math.ceil(n / 4) * 4;

/** Members of Geometry in kernels/parts/gemm.wgsl that follow from the problem. */
export interface RowsGeometry {
  m: number;
  qh: number;
  qw: number;
  n4: number;
  k4: number;
  run: number;
  ah: number;
  aw: number;
  step_h: number;
  step_w: number;
  from_h: number;
  from_w: number;
  tap_h: number;
  tap_w: number;
  taps_h: number;
  taps_w: number;
  b_from: number;
  b_tap_h: number;
  b_tap_w: number;
  yh: number;
  yw: number;
  y_step_h: number;
  y_step_w: number;
  y_from_h: number;
  y_from_w: number;
  y4: number;
}

export interface RowsProblem {
  form: 'nn' | 'nt';
  /** Stride phases of an input gradient; elsewhere one. */
  phases: readonly RowsGeometry[];
  /** What follows elementwise, in order. */
  steps: readonly StepKind[];
  /** b is stored as half floats. */
  half: boolean;
}

/** Members of Geometry in kernels/parts/gemm_outer.wgsl that follow from the problem. */
export interface OuterGeometry {
  m4: number;
  n4: number;
  pixel4: number;
  rows: number;
  oh: number;
  ow: number;
  ah: number;
  aw: number;
  taps_h: number;
  taps_w: number;
  stride_h: number;
  stride_w: number;
  pad_t: number;
  pad_l: number;
  dilation_h: number;
  dilation_w: number;
  y4: number;
}

export interface OuterProblem {
  form: 'tn';
  geometry: OuterGeometry;
}

export type GemmProblem = RowsProblem | OuterProblem;

/** Equal for problems that the same launch solves. */
export const problemKey = (p: GemmProblem): string =>
  p.form === 'tn'
    ? `tn ${Object.values(p.geometry).join(' ')}`
    : `${p.form}${p.half ? ' half' : ''} ${p.steps.join('+')} ${p.phases.map((g) => Object.values(g).join(' ')).join(', ')}`;

/** Rows, columns and summands (of all taps) of the largest phase. */
export function extentsOf(p: GemmProblem): { m: number; n: number; k: number } {
  if (p.form === 'tn') {
    const { m4, n4, rows, ow, taps_h, taps_w } = p.geometry;
    return { m: 4 * m4 * taps_h * taps_w, n: 4 * n4, k: rows * ow };
  }
  const [first] = p.phases as [RowsGeometry];
  const k = Math.max(...p.phases.map((g) => g.taps_h * g.taps_w * g.run * 4));
  return { m: Math.max(...p.phases.map((g) => g.m)), n: first.n4 * 4, k };
}

/** Multiply-adds count two, on padded channels. */
export const flopsOf = (p: GemmProblem): number => {
  if (p.form === 'tn') {
    const { m, n, k } = extentsOf(p);
    return 2 * m * n * k;
  }
  return p.phases.reduce((sum, g) => sum + 2 * g.m * g.n4 * 4 * g.taps_h * g.taps_w * g.run * 4, 0);
};

/** y of conv2d(x, w). The stem's taps of a kernel row lie side by side in memory and are read as one run. */
export function forwardProblem(g: ConvGeometry, steps: readonly StepKind[] = [], half = false): RowsProblem {
  const [k4, n4, m] = [roundUp4(g.ci) / 4, roundUp4(g.co) / 4, g.n * g.oh * g.ow];
  const whole = inRuns(g);
  const rows: RowsGeometry = {
    m,
    qh: g.oh,
    qw: g.ow,
    n4,
    k4,
    run: whole ? g.kw * k4 : k4,
    ah: g.ih,
    aw: g.iw,
    step_h: g.strides[0],
    step_w: g.strides[1],
    from_h: -g.pads[0],
    from_w: -g.pads[1],
    tap_h: g.dilations[0],
    tap_w: g.dilations[1],
    taps_h: g.kh,
    taps_w: whole ? 1 : g.kw,
    b_from: 0,
    b_tap_h: g.kw,
    b_tap_w: 1,
    yh: g.oh,
    yw: g.ow,
    y_step_h: 1,
    y_step_w: 1,
    y_from_h: 0,
    y_from_w: 0,
    y4: m * n4,
  };
  return { form: 'nn', phases: [rows], steps, half };
}

/** Whether the taps of a kernel row are one stretch of memory that never leaves the picture. */
const inRuns = (g: ConvGeometry): boolean =>
  g.kw > 1 && g.dilations[1] === 1 && g.pads[1] === 0 && (g.ow - 1) * g.strides[1] + g.kw <= g.iw;

/**
 * dx of conv2d. Pixels of dx that lie alike between the strides meet the same taps: each such phase is a convolution of
 * its own over dy, and no inserted zero is ever multiplied. A phase that no tap reaches has taps 0: it is zero.
 */
export function inputGradProblem(g: ConvGeometry, steps: readonly StepKind[] = [], half = false): RowsProblem {
  const [k4, n4] = [roundUp4(g.co) / 4, roundUp4(g.ci) / 4];
  const phases: RowsGeometry[] = [];
  for (let py = 0; py < Math.min(g.strides[0], g.ih); py++) {
    for (let px = 0; px < Math.min(g.strides[1], g.iw); px++) {
      const down = tapsOf(py, g.kh, g.strides[0], g.pads[0], g.dilations[0]);
      const right = tapsOf(px, g.kw, g.strides[1], g.pads[1], g.dilations[1]);
      const qh = Math.ceil((g.ih - py) / g.strides[0]);
      const qw = Math.ceil((g.iw - px) / g.strides[1]);
      phases.push({
        m: g.n * qh * qw,
        qh,
        qw,
        n4,
        k4,
        run: k4,
        ah: g.oh,
        aw: g.ow,
        step_h: 1,
        step_w: 1,
        from_h: down.from,
        from_w: right.from,
        tap_h: down.step,
        tap_w: right.step,
        taps_h: right.count && down.count,
        taps_w: down.count && right.count,
        b_from: down.first * g.kw + right.first,
        b_tap_h: down.every * g.kw,
        b_tap_w: right.every,
        yh: g.ih,
        yw: g.iw,
        y_step_h: g.strides[0],
        y_step_w: g.strides[1],
        y_from_h: py,
        y_from_w: px,
        y4: g.n * g.ih * g.iw * n4,
      });
    }
  }
  return { form: 'nt', phases, steps, half };
}

/** Taps k of an axis with (phase + pad - k * dilation) divisible by the stride: every `every`-th from `first`. */
function tapsOf(phase: number, taps: number, stride: number, pad: number, dilation: number) {
  const reaching = Array.from({ length: taps }, (_, k) => k).filter((k) => (phase + pad - k * dilation) % stride === 0);
  const [first = 0, second = first] = reaching;
  const at = (k: number) => (phase + pad - k * dilation) / stride;
  return {
    count: reaching.length,
    first,
    every: second - first,
    from: reaching.length ? at(first) : 0,
    step: reaching.length ? at(second) - at(first) : 0,
  };
}

/** dw of conv2d. */
export function weightGradProblem(g: ConvGeometry): OuterProblem {
  const [ci4, n4] = [roundUp4(g.ci) / 4, roundUp4(g.co) / 4];
  const whole = inRuns(g);
  const geometry: OuterGeometry = {
    m4: whole ? ci4 * g.kw : ci4,
    n4,
    pixel4: ci4,
    rows: g.n * g.oh,
    oh: g.oh,
    ow: g.ow,
    ah: g.ih,
    aw: g.iw,
    taps_h: g.kh,
    taps_w: whole ? 1 : g.kw,
    stride_h: g.strides[0],
    stride_w: g.strides[1],
    pad_t: g.pads[0],
    pad_l: g.pads[1],
    dilation_h: g.dilations[0],
    dilation_w: g.dilations[1],
    y4: g.kh * g.kw * ci4 * 4 * n4,
  };
  return { form: 'tn', geometry };
}

/**
 * The geometry under which a matrix product is a 1 x 1 convolution of `rows` pixels, `inner` channels to `columns`. The
 * pixels form a picture whose lines can be shared out among the parts of a sum.
 */
export function matrixGeometry(rows: number, inner: number, columns: number): ConvGeometry {
  let width = Math.min(rows, 64);
  while (rows % width !== 0) width--;
  const size = { ih: rows / width, iw: width, oh: rows / width, ow: width };
  const one = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 } as const;
  return { n: 1, ci: inner, co: columns, kh: 1, kw: 1, ...size, ...one };
}
