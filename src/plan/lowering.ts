/**
 * What an op's `lower` is given: where tensors are, in which order, and steps to append to. Converts layouts where an op
 * asks for another one, and lets effects read the values of before the run.
 */
import { WgradError } from '../errors.ts';
import type { Choices } from '../gemm/choose.ts';
import { grid } from '../gpu/grid.ts';
import { halfUnpack } from '../gpu/kernels.gen.ts';
import { specialize, type Constants, type Kernel } from '../gpu/kernel.ts';
import { sameOrder } from '../graph/layout.ts';
import { variableOf, type Variable } from '../graph/leaves.ts';
import type { Dispatch, LowerContext, Storage } from '../graph/lower.ts';
import type { PlanNode } from '../graph/op.ts';
import type { Layout, Tensor } from '../graph/tensor.ts';
import { copyLayout } from '../ops/copy.ts';
import type { Watched } from './guard.ts';
import type { Region, RegionKind, Step } from './plan.ts';

interface Value {
  region: Region;
  layout: Layout;
}

/** A guard for programs that have none: never raised. */
const never = new Uint32Array(1);

export class Lowering implements LowerContext {
  /** The node whose op is lowered. */
  node!: PlanNode;
  /** What is computed once, and again when a variable that it depends on was written. */
  readonly prologue: Step[] = [];
  readonly steps: Step[] = [];
  /** Of effects: after all other steps, whose results they must not disturb. */
  readonly effects: Step[] = [];
  readonly regions: Region[] = [];
  readonly variables = new Map<Variable, Region>();
  /** What depends on nothing that changes from run to run. */
  readonly statics = new Set<Tensor>();
  /** What effects read, in the order in which a guard names it. */
  readonly watched = new Map<Region, Watched>();
  /** Raised where what is watched is not finite. */
  flag: Region | undefined;
  private readonly values = new Map<Tensor, Value>();
  /** Variables that are stored as half floats. */
  private readonly halves = new Map<Tensor, Value>();
  private readonly conversions = new Map<Tensor, Value[]>();
  private readonly constants = new Map<object, Region>();
  /** Values of variables before this run's updates. */
  private readonly snapshots = new Map<Region, Region>();
  /** Where dispatches go. */
  private target = this.steps;

  constructor(
    readonly limits: GPUSupportedLimits,
    readonly choices: Choices,
    /** The variables that this program changes. */
    private readonly updated: ReadonlySet<Variable>,
  ) {}

  /** Lowers the node's op; its dispatches go to `target`. */
  lower(node: PlanNode, target: Step[]): void {
    this.node = node;
    this.into(target, () => node.op.lower(this, node));
  }

  /** The value of a leaf is there before the run. */
  leaf(t: Tensor, region: Region, layout: Layout = 'row'): void {
    (variableOf(t)?.half ? this.halves : this.values).set(t, { region, layout });
  }

  /** Where the tensor's value is, in row-major order, that no update of this run changes. */
  settled(tensor: Tensor): Region {
    return this.snapshot(this.stored(tensor, 'row'), tensor);
  }

  watch({ size, dtype }: Tensor, region: Region, name: string): void {
    if (dtype === 'f32' && !this.watched.has(region)) this.watched.set(region, { region, size, name });
  }

  region(kind: RegionKind, bytes: number, label: string, of: Partial<Region> = {}): Region {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16);
    const region: Region = { kind, index: this.regions.length, bytes: size, label, ...of };
    this.regions.push(region);
    return region;
  }

  /** Memory for what is computed now. */
  private working(bytes: number, label: string): Region {
    return this.region(this.target === this.prologue ? 'static' : 'planned', bytes, label);
  }

  variableRegion(variable: Variable): Region {
    let region = this.variables.get(variable);
    if (!region) {
      region = this.region('variable', variable.bytes, variable.name, { variable });
      this.variables.set(variable, region);
    }
    return region;
  }

  private value(t: Tensor): Value {
    const value = this.values.get(t) ?? this.unpacked(t);
    if (!value) throw new Error(`${this.node.op.name} reads ${t} before it is written`);
    return value;
  }

  layoutOf(t: Tensor): Layout {
    return (this.halves.get(t) ?? this.value(t)).layout;
  }

  packed(t: Tensor): Storage {
    return this.halves.get(t)!.region;
  }

  /** Half floats as full ones, for ops that read these only. */
  private unpacked(t: Tensor): Value | undefined {
    const half = this.halves.get(t);
    if (!half) return undefined;
    let region!: Region;
    this.into(this.statics.has(t) ? this.prologue : this.steps, () => {
      region = this.working(t.size * 4, `${t} unpacked`);
      const bindings = { x: half.region, y: region };
      this.dispatch(halfUnpack, { bindings, constants: { COUNT: t.size / 4 }, workgroups: grid(t.size / 4, 64) });
    });
    const value = { region, layout: half.layout };
    this.values.set(t, value);
    return value;
  }

  read(t: Tensor, layout?: Layout): Storage {
    const region = this.stored(t, layout);
    const { op, inputs } = this.node;
    if (!op.effect) return region;
    const before = this.snapshot(region, t);
    // Looked for from the end: a variable may be its own new value.
    this.watch(t, before, `the ${op.effect.inputs[inputs.lastIndexOf(t)]} of ${variableOf(inputs[0]!)!.name}`);
    return before;
  }

  private stored(t: Tensor, layout?: Layout): Region {
    const value = this.value(t);
    if (!layout || sameOrder(t.shape, value.layout, layout)) return value.region;
    const known = this.conversions.get(t) ?? [];
    const hit = known.find((v) => sameOrder(t.shape, v.layout, layout));
    if (hit) return hit.region;
    let region!: Region;
    this.into(this.statics.has(t) ? this.prologue : this.steps, () => {
      region = this.working(t.size * 4, `${t} as ${layout}`);
      copyLayout(this, value.region, region, t.shape, value.layout, layout);
    });
    this.conversions.set(t, [...known, { region, layout }]);
    return region;
  }

  write(t: Tensor, layout: Layout = 'row'): Storage {
    const region = this.working(t.size * 4, String(t));
    this.values.set(t, { region, layout });
    return region;
  }

  alias(output: Tensor, input: Tensor, layout: Layout = 'row'): void {
    this.values.set(output, { region: this.stored(input, layout), layout });
  }

  update(t: Tensor): Storage {
    const variable = variableOf(t);
    if (!variable || !this.node.op.effect) throw new Error(`${this.node.op.name} cannot update ${t} in place`);
    if (variable.half) {
      throw new WgradError(
        'invalid-argument',
        `${variable.name} is stored in half precision, and is not to be trained`,
        {
          remedy: 'Unfreeze it by model.unfreeze(), which gives it full precision',
        },
      );
    }
    return this.variableRegion(variable);
  }

  guard(): Storage {
    return this.flag ?? this.constant(never);
  }

  scratch(elements: number): Storage {
    return this.working(elements * 4, `${this.node.name ?? this.node.op.name} scratch`);
  }

  constant(data: Float32Array | Int32Array | Uint32Array): Region {
    let region = this.constants.get(data);
    if (!region) {
      region = this.region('constant', data.byteLength, 'constant', { data });
      this.constants.set(data, region);
    }
    return region;
  }

  dispatch<K extends Kernel>(kernel: K, dispatch: Dispatch<K>): void {
    const [x, y = 1, z = 1] = dispatch.workgroups;
    const most = this.limits.maxComputeWorkgroupsPerDimension;
    if (Math.max(x, y, z) > most) {
      throw new WgradError(
        'limit-exceeded',
        `${this.node.op.name} needs ${x}x${y}x${z} workgroups, the most is ${most}`,
      );
    }
    const bindings = dispatch.bindings as Record<string, Region>;
    const regions = Object.keys(kernel.bindings).map((name) => {
      const region = bindings[name];
      if (!region) throw new Error(`kernel ${kernel.name}: nothing is bound to ${name}`);
      return region;
    });
    const code = specialize(kernel as Kernel, (dispatch.constants ?? {}) as Constants<Kernel>);
    this.target.push({ kernel, code, regions, workgroups: [x, y, z], node: this.node });
  }

  /** A copy, if `region` is a variable that an update of this run changes. */
  private snapshot(region: Region, { size }: Tensor): Region {
    if (!region.variable || !this.updated.has(region.variable)) return region;
    let copy = this.snapshots.get(region);
    if (!copy) {
      copy = this.region('planned', region.bytes, `${region.label} before`);
      const [from, to] = [region, copy];
      this.into(this.steps, () => copyLayout(this, from, to, [size], 'row', 'row'));
      this.snapshots.set(region, copy);
    }
    return copy;
  }

  private into(target: Step[], emit: () => void): void {
    const outer = this.target;
    this.target = target;
    emit();
    this.target = outer;
  }
}
