/** The check behind `updateIf`: all that the updates read, six tensors a dispatch, into one flag on the device. */
import { guard } from '../gpu/kernels.gen.ts';
import { grid } from '../gpu/grid.ts';
import { packStruct } from '../gpu/kernel.ts';
import type { Storage } from '../graph/lower.ts';
import type { Op } from '../graph/op.ts';

export interface Watched {
  region: Storage;
  /** Elements, f32. */
  size: number;
  /** For the message that says what was not finite. */
  name: string;
}

interface GuardAttrs {
  watched: readonly Watched[];
  flag: Storage;
}

const slots = ['a', 'b', 'c', 'd', 'e', 'f'] as const;

/** Vectors of four that one invocation looks at where a tensor is large. */
const EACH = 8;

/** The planner's own: after the run the flag is 0, or `watched.length - i` for the first i that is not finite. */
export const guardOp: Op<GuardAttrs> = {
  name: 'guard',
  infer: () => [],
  lower(ctx, { attrs: { watched, flag } }) {
    for (let first = 0; first < watched.length; first += slots.length) {
      const some = watched.slice(first, first + slots.length);
      const size = (i: number) => some[i]?.size ?? 0;
      const region = (i: number) => (some[i] ?? some[0]!).region;
      const [count_a, count_b, count_c, count_d, count_e, count_f] = slots.map((_, i) => size(i)) as SixNumbers;
      const rank = watched.length - first;
      const tensors = packStruct(guard, 'tensors', { rank, count_a, count_b, count_c, count_d, count_e, count_f });
      const [a, b, c, d, e, f] = slots.map((_, i) => region(i)) as SixRegions;
      const most = Math.max(...some.map((w) => w.size));
      ctx.dispatch(guard, {
        bindings: { tensors: ctx.constant(tensors), a, b, c, d, e, f, flag },
        workgroups: [Math.min(1024, grid(most / (4 * EACH), 64)[0])],
      });
    }
  },
};

type SixNumbers = [number, number, number, number, number, number];
type SixRegions = [Storage, Storage, Storage, Storage, Storage, Storage];
