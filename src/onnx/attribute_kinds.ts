/**
 * What an attribute may hold, checked at import: its kind, and numbers that mean something. One row a name, since ONNX
 * uses a name in one way throughout; where an op differs, its own row goes first (`Pad.pads`).
 */
import type { OnnxAttribute, OnnxNode } from './types.ts';

interface Rule {
  kind: OnnxAttribute['type'];
  /** Bounds of every number in it, both included. Floats without bounds are finite. */
  least?: number;
  most?: number;
  /** Its numbers are a constant's, as many as they like. */
  data?: boolean;
}

/** More numbers than any rank, split or padding has. */
const MAX_LIST = 1024;

const int = (least?: number, most?: number): Rule => ({ kind: 'int', ...bounds(least, most) });
const ints = (least?: number, most?: number): Rule => ({ kind: 'ints', ...bounds(least, most) });
const float = (least?: number, most?: number): Rule => ({ kind: 'float', ...bounds(least, most) });
const string: Rule = { kind: 'string' };
const tensor: Rule = { kind: 'tensor' };

const bounds = (least?: number, most?: number) => ({
  ...(least !== undefined && { least }),
  ...(most !== undefined && { most }),
});

/** No picture has more pixels along a side; windows, strides and pads above it are damage, not geometry. */
const MAX_EXTENT = 2 ** 16;
/** ONNX's ranks are small: an axis beyond is damage. */
const MAX_RANK = 64;

const axis = int(-MAX_RANK, MAX_RANK);
const extents = ints(1, MAX_EXTENT);
const flag = int(0, 1);
const anyFloat = float(-Infinity, Infinity);

const RULES: Readonly<Record<string, Rule>> = {
  activation: string,
  allowzero: flag,
  alpha: float(),
  approximate: string,
  antialias: flag,
  auto_pad: string,
  axes: ints(-MAX_RANK, MAX_RANK),
  axis,
  beta: float(),
  blocksize: int(1, MAX_EXTENT),
  block_size: int(0),
  ceil_mode: flag,
  coordinate_transformation_mode: string,
  count_include_pad: flag,
  cubic_coeff_a: float(),
  dilations: extents,
  end: int(),
  ends: ints(),
  epsilon: float(0),
  exclude_outside: flag,
  extrapolation_value: anyFloat,
  fmod: flag,
  gamma: float(),
  group: int(1, MAX_EXTENT),
  keep_aspect_ratio_policy: string,
  keepdims: flag,
  kernel_shape: extents,
  mode: string,
  momentum: float(0, 1),
  nearest_mode: string,
  noop_with_empty_axes: flag,
  num_groups: int(1, MAX_EXTENT),
  num_outputs: int(1, MAX_EXTENT),
  p: int(),
  output_dtype: int(0, 255),
  output_padding: ints(0, MAX_EXTENT),
  output_shape: ints(1),
  pads: ints(0, MAX_EXTENT),
  perm: ints(0, MAX_RANK),
  ratio: float(0, 1),
  saturate: flag,
  scales: { kind: 'floats', least: 0, most: MAX_EXTENT },
  select_last_index: flag,
  spatial: flag,
  split: ints(0),
  start: int(),
  starts: ints(),
  storage_order: flag,
  strides: extents,
  to: int(0, 255),
  training_mode: flag,
  transA: flag,
  transB: flag,
  // Constant, ConstantOfShape
  value: tensor,
  value_float: anyFloat,
  value_floats: { kind: 'floats', data: true, least: -Infinity, most: Infinity },
  value_int: int(),
  value_ints: { kind: 'ints', data: true },
};

const BY_OP: Readonly<Record<string, Rule>> = {
  'Clip.max': anyFloat,
  'Clip.min': anyFloat,
  'Pad.pads': ints(-MAX_EXTENT, MAX_EXTENT),
  'Pad.value': anyFloat,
};

/** What is wrong with a node's attributes, each with the node's name. Attributes that no row names pass. */
export function attributeProblems(node: OnnxNode): string[] {
  const problems: string[] = [];
  for (const [name, attribute] of node.attributes) {
    const rule = lookUp(BY_OP, `${node.opType}.${name}`) ?? lookUp(RULES, name);
    const reason = rule && disagreement(attribute, rule);
    if (reason) problems.push(`node '${node.name}' (${node.opType}): attribute '${name}' ${reason}`);
  }
  return problems;
}

const lookUp = (rules: Readonly<Record<string, Rule>>, name: string) =>
  Object.hasOwn(rules, name) ? rules[name] : undefined;

function disagreement(attribute: OnnxAttribute, rule: Rule): string | undefined {
  if (attribute.type !== rule.kind) return `is of kind ${attribute.type}, not ${rule.kind}`;
  const { type, value } = attribute;
  if (type !== 'int' && type !== 'ints' && type !== 'float' && type !== 'floats') return undefined;
  const numbers = typeof value === 'number' ? [value] : value;
  if (numbers.length > MAX_LIST && !rule.data) return `is a list of ${numbers.length} numbers`;
  const whole = type === 'int' || type === 'ints';
  const { least = whole ? -Infinity : -Number.MAX_VALUE, most = whole ? Infinity : Number.MAX_VALUE } = rule;
  // Written so that NaN is outside of any bounds but infinite ones, which ask for nothing.
  const bad = numbers.find((x) => !(x >= least && x <= most) && !(least === -Infinity && most === Infinity));
  return bad === undefined ? undefined : `holds ${bad}; ${asked(whole, rule)} is needed`;
}

function asked(whole: boolean, { least, most }: Rule): string {
  const what = whole ? 'an integer' : 'a finite number';
  if (least === undefined) return what;
  return most === undefined ? `${what} of at least ${least}` : `${what} from ${least} to ${most}`;
}
