/** What `wgrad ascend` is to draw: units, many of them at a time, and expressions. */
import type { Objective } from '../ascent/index.ts';
import { channel, logit, neuron, parseObjective, type ExpressionContext } from '../ascent/index.ts';
import { WgradError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { targetOf } from './explain_targets.ts';

export interface Unit {
  /** As it was written, one unit. */
  text: string;
  objective: Objective;
}

const remedy = 'Write LAYER:3, LAYER:0-15, LAYER:*, LAYER:3@Y,X, logit:CLASS or an expression such as channel(LAYER,3) - 0.01*l1'; // prettier-ignore

/** Whether the text means what is drawn in comparison with a picture. */
export const comparesWith = (text: string): boolean => /\b(caricature|difference|style)\(/.test(text);

/**
 * The layer of a text of the short form, for checks before a device is opened.
 * @throws WgradError 'usage' where it is neither of the short form nor an expression.
 */
export function layersOf(text: string): readonly string[] {
  const short = parseShort(text);
  if (short) return short.layer === 'logit' ? [] : [short.layer];
  // Any picture will do for a check.
  return parseObjective(text, { reference: new Float32Array(1) }).layers;
}

function parseShort(text: string): { layer: string; which: string } | undefined {
  const found = /^([^:()*]+):(.+)$/.exec(text);
  if (!found) return undefined;
  const [, layer, which] = found as unknown as [string, string, string];
  const isUnit = layer === 'logit' || /^(\*|\d+(-\d+)?|\d+@\d+,\d+)$/.test(which);
  if (!isUnit) throw new WgradError('usage', `'${text}' names no unit`, { remedy });
  return { layer, which };
}

/** @throws WgradError 'unknown-name' for a unit that the layer does not have; 'usage'. */
export function unitsOf(model: Model, text: string, context: ExpressionContext): Unit[] {
  const short = parseShort(text);
  if (!short) return [{ text, objective: parseObjective(text, context) }];
  const { layer, which } = short;
  if (layer === 'logit' && which !== '*' && !/^\d+-\d+$/.test(which))
    return [{ text, objective: logit(targetOf(which)!) }];
  const [index, at] = which.split('@') as [string, string?];
  if (at !== undefined) {
    const [y, x] = at.split(',').map(Number) as [number, number];
    return [{ text, objective: neuron(layer, Number(index), y, x) }];
  }
  const count = layer === 'logit' ? model.classes : channelsOf(model, layer);
  return unitRange(layer, which, count).map((k) => ({
    text: `${layer}:${k}`,
    objective: layer === 'logit' ? logit(k) : channel(layer, k),
  }));
}

/** The units that `3`, `0-15`, `3,7-9` or `*` means. @throws WgradError 'usage'; 'unknown-name' for one that is not there. */
export function unitRange(layer: string, which: string, count: number): number[] {
  if (which.includes(',')) return which.split(',').flatMap((part) => unitRange(layer, part.trim(), count));
  if (!/^(\*|\d+(-\d+)?)$/.test(which)) {
    throw new WgradError('usage', `'${which}' names no units of ${layer}`, { remedy: 'Write 3, 0-15, 3,7-9 or *' });
  }
  const [first, last] = which === '*' ? [0, count - 1] : (which.split('-').map(Number) as [number, number?]);
  const end = last ?? first;
  if (end < first || end >= count) {
    throw new WgradError('unknown-name', `${layer}:${which}: ${layer} has units 0 to ${count - 1}`, { remedy });
  }
  return Array.from({ length: end - first + 1 }, (_, i) => first + i);
}

/** Units of a layer. */
export function channelsOf(model: Model, layer: string): number {
  const { shape } = model.graph().value(layer);
  return shape.length === 4 ? shape[model.network.channelAxis(layer)]! : shape[1]!;
}
