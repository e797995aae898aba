/** Workgroups along one axis: the limit that every WebGPU device has. */
const MOST_GROUPS = 65_535;

/** Workgroups of a flat index space on two axes; kernels rebuild the index as `x + y * num_workgroups.x`. */
export function spreadOut(groups: number): [number, number] {
  const x = Math.min(groups, MOST_GROUPS);
  return [x, Math.ceil(groups / x)];
}

/** Workgroups for a flat space of items: `gid.x + gid.y * (num_workgroups.x * WORKGROUP_SIZE)`. */
export const grid = (items: number, workgroupSize: number): [number, number] =>
  spreadOut(Math.max(1, Math.ceil(items / workgroupSize)));

/** Channels that one invocation takes: four at once where they come in whole groups (WIDTH in the kernels). */
export const vectorWidth = (channels: number): 1 | 4 => (channels % 4 === 0 ? 4 : 1);
