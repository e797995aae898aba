/** What each method costs, from its own `cost`: the one table for the command's help, its page, and the docs. */
import { WgradError } from '../errors.ts';
import { readOptions, type OptionTable, type ResolvedOptions } from '../options.ts';
import { methodOf, methods, type MethodName } from './methods/index.ts';
import type { Cost, Method } from './types.ts';

/** A gradient is a forward pass and a backward pass, which costs about as much again. */
export const FORWARDS_PER_GRADIENT = 2;

/** In forward passes of one picture. */
export const forwardEquivalents = ({ forwards = 0, gradients = 0 }: Cost): number =>
  forwards + FORWARDS_PER_GRADIENT * gradients;

/**
 * Most passes that one map may take: days on most machines, and as many scores and masks as a page can hold. What asks
 * for more is refused before anything is compiled or drawn.
 */
const MOST_PASSES = 2 ** 21;
/** Options that set how many there are. */
const sets = new Set(['samples', 'steps', 'permutations', 'maxEvals', 'cells', 'stride', 'window', 'baselines', 'segmentation']); // prettier-ignore

/** @throws WgradError 'limit-exceeded'. */
export function checkCost<S extends OptionTable>(
  name: string,
  { cost, options }: Method<S>,
  resolved: ResolvedOptions<S>,
  size: number,
): void {
  const passes = forwardEquivalents(cost(resolved, size));
  if (!(passes > MOST_PASSES)) return;
  const own = Object.keys(options).filter((key) => sets.has(key));
  throw new WgradError('limit-exceeded', `${name}: one map would take ${passes} forward passes; ${MOST_PASSES} at most`, {
    remedy: `Ask for less: ${own.join(', ')}`,
  }); // prettier-ignore
}

/** Values of a picture of 3 x 224 x 224. */
const IMAGENET = 3 * 224 * 224;

/**
 * @param size values of one picture.
 * @returns undefined where the method needs an option that is not given.
 */
export function costOf(
  name: string,
  options: Readonly<Record<string, unknown>> = {},
  size = IMAGENET,
): number | undefined {
  const method: Method = methodOf(name);
  const missing = Object.entries(method.options).some(([key, o]) => o.required && options[key] === undefined);
  return missing ? undefined : forwardEquivalents(method.cost(readOptions(name, method.options, options), size));
}

export interface MethodCost {
  method: MethodName;
  /** undefined where an option without a default decides. */
  forwards: number | undefined;
  summary: string;
}

/** Every method with its default options, cheapest first. */
export function costTable(size = IMAGENET): MethodCost[] {
  return (Object.keys(methods) as MethodName[])
    .map((method) => ({ method, forwards: costOf(method, {}, size), summary: methods[method].summary }))
    .sort((a, b) => (a.forwards ?? Infinity) - (b.forwards ?? Infinity));
}

/** '2', '2.6', '4001', '?'. */
export const printForwards = (forwards: number | undefined): string =>
  forwards === undefined || !Number.isFinite(forwards) ? '?' : String(+forwards.toFixed(forwards < 10 ? 1 : 0));
