/** What `--target` names: classes, units of the network, or the classes with the highest scores. */
import { classIndex, type Target } from '../explain/index.ts';
import type { Model } from '../model/model.ts';
import { labelIndex } from '../model/target.ts';
import { parseUnit } from '../model/unit.ts';

/** A class given by index or by label. */
export const targetOf = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);

/** At the commas that stand in no brackets: the axes of `layer3[:,7]` stay together. */
const parts = (text: string): string[] => text.split(/,(?![^[]*\])/).map((part) => part.trim());

/** A label with a comma in it is one target. */
const isLabel = (model: Model, text: string) => labelIndex(model.labels ?? [], text) >= 0;

type Wanted = Target | { top: number };

/**
 * @returns undefined: the class that the network takes the picture for.
 * @throws WgradError 'unknown-name' for what is neither a class nor a value of the network.
 */
export function targetsOf(model: Model, texts: readonly string[]): readonly Wanted[] | undefined {
  if (texts.length === 0) return undefined;
  const names = texts.flatMap((text) => (isLabel(model, text) ? [text] : parts(text)));
  return names.map((name): Wanted => {
    const top = /^top-?(\d+)$/i.exec(name);
    if (top && !isLabel(model, name)) return { top: Math.max(1, Math.min(model.classes, Number(top[1]))) };
    if (isUnit(model, name)) return name;
    return classIndex(model, targetOf(name));
  });
}

/** Classes go before values of the same name. */
function isUnit(model: Model, name: string): boolean {
  if (isLabel(model, name) || /^\d+$/.test(name)) return false;
  const unit = parseUnit(name);
  if (!unit) return false;
  if (unit.indices !== undefined) return model.network.resolve(unit.name) !== '';
  try {
    model.network.resolve(unit.name);
    return true;
  } catch {
    // Neither a class nor a value: the message about classes lists what is near.
    return false;
  }
}

/** The targets of one picture, whose classes come in the order of their scores. */
export function targetsFor(wanted: readonly Wanted[] | undefined, ranked: readonly number[]): Target[] {
  if (!wanted) return ranked.slice(0, 1);
  const all = wanted.flatMap((w): Target[] => (typeof w === 'object' ? ranked.slice(0, w.top) : [w]));
  return [...new Set(all)];
}
