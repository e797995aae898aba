/** What each method costs, from its own `cost`: the one table for the command's help, its page, and the docs. */
import { readOptions } from '../options.ts';
import { methodOf, methods, type MethodName } from './methods/index.ts';
import type { Cost, Method } from './types.ts';

/** A gradient is a forward pass and a backward pass, which costs about as much again. */
export const FORWARDS_PER_GRADIENT = 2;

/** In forward passes of one picture. */
export const forwardEquivalents = ({ forwards = 0, gradients = 0 }: Cost): number =>
  forwards + FORWARDS_PER_GRADIENT * gradients;

/** Values of a picture of 3 x 224 x 224. */
const IMAGENET = 3 * 224 * 224;

/** @param size values of one picture. */
export function costOf(name: string, options: Readonly<Record<string, unknown>> = {}, size = IMAGENET): number {
  const method: Method = methodOf(name);
  return forwardEquivalents(method.cost(readOptions(name, method.options, options), size));
}

/** Every method with its default options, cheapest first; without those that do not go without options. */
export function costTable(size = IMAGENET): { method: MethodName; forwards: number; summary: string }[] {
  return (Object.keys(methods) as MethodName[])
    .filter((method) => !Object.values(methodOf(method).options).some((kind) => kind.required))
    .map((method) => ({ method, forwards: costOf(method, {}, size), summary: methods[method].summary }))
    .sort((a, b) => a.forwards - b.forwards);
}

/** '2', '2.6', '4001'. */
export const printForwards = (forwards: number): string => String(+forwards.toFixed(forwards < 10 ? 1 : 0));
