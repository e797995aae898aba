/** Units of a graph as text: `layer3.5[:,7]`, `fc[:,2]`, `layer4.2`. */
import { WgradError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';

const remedy = 'Write NAME or NAME[i,:,j]';

/** The name and the indices of a unit; undefined where the text is none. */
export function parseUnit(text: string): { name: string; indices?: string } | undefined {
  const [, name, indices] = /^\s*([^[\]()]+?)\s*(?:\[([^\]]*)\])?\s*$/.exec(text) ?? [];
  if (!name) return undefined;
  return indices === undefined ? { name } : { name, indices };
}

/**
 * NAME or NAME[i,:,j]: `:` keeps an axis, a number (negative counts from the end) takes one element of it and drops the
 * axis; axes that are not written are kept.
 * @throws WgradError 'usage' where the text is no unit; 'shape' where an index is outside; what `value` throws.
 */
export function unit(text: string, value: (name: string) => Tensor): Tensor {
  const parsed = parseUnit(text);
  if (!parsed) throw new WgradError('usage', `'${text}' is no value`, { remedy });
  const t = value(parsed.name);
  if (parsed.indices === undefined) return t;
  const parts = parsed.indices.split(',').map((p) => p.trim());
  if (parts.length > t.rank) throw new WgradError('shape', `'${text}' has more indices than ${t} has axes`);
  const picks = t.shape.map((extent, axis) => {
    const part = parts[axis] ?? ':';
    if (part === ':') return null;
    const index = Number(part) < 0 ? Number(part) + extent : Number(part);
    if (part === '' || !Number.isInteger(index) || index < 0 || index >= extent) {
      throw new WgradError('shape', `'${text}': index ${part} is outside axis ${axis} of ${t}`);
    }
    return index;
  });
  const taken = slice(
    t,
    picks.map((p) => p ?? 0),
    t.shape.map((d, i) => (picks[i] === null ? d : 1)),
  );
  return reshape(
    taken,
    t.shape.filter((_, i) => picks[i] === null),
  );
}
