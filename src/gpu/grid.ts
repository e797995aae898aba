/**
 * Workgroup counts for a flat index space: kernels rebuild it as
 * `gid.x + gid.y * (num_workgroups.x * WORKGROUP_SIZE)`.
 */
export function grid(items: number, workgroupSize: number): [number, number] {
  const groups = Math.max(1, Math.ceil(items / workgroupSize));
  const x = Math.min(groups, 65535);
  return [x, Math.ceil(groups / x)];
}

/** Channels that one invocation takes: four at once where they come in whole groups (WIDTH in the kernels). */
export const vectorWidth = (channels: number): 1 | 4 => (channels % 4 === 0 ? 4 : 1);
