/** What a map shows, in words for someone who does not know its method. */
import { printError } from '../errors.ts';
import type { Attribution, MapError, Sign } from '../types.ts';
import type { FigureMode } from './options.ts';
import { methodInfo } from './values.ts';

/** @param what is explained: 'dog'. */
const colours: Readonly<Record<Sign, (what: string) => string>> = {
  all: (what) => `Red speaks for ${what}, blue against it, white does neither.`,
  positive: (what) => `The brighter, the more a place speaks for ${what}.`,
  negative: (what) => `The brighter, the more a place speaks against ${what}.`,
  absolute: (what) => `The brighter, the more a place moves the score of ${what}, up or down.`,
};

/** Modes without the colours of a scale. */
const otherModes: Readonly<Partial<Record<FigureMode, string>>> = {
  masked: 'The picture is dark where it counts little.',
  alpha: 'The picture fades where it counts little.',
  original: 'The picture as it is.',
  regions: 'Outlined: the regions that count most; tinted red for and blue against, where both are shown.',
};

const meanings: Readonly<Record<MapError['kind'], string>> = {
  completeness: 'Completeness gap: how far its values are from adding up to the change of the score.',
  'standard-error': 'Standard error: how much of it is chance, for it is a mean over random samples.',
  'surrogate-fit': 'Fit: how much of the behaviour of the network the simple model behind it accounts for.',
  none: '',
};

/** What the colours of a figure mean. */
export const colorsInWords = (sign: Sign, what = 'the class explained', mode: FigureMode = 'blended'): string =>
  otherModes[mode] ?? colours[sign](what);

const sentence = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;

/** Sentences about a method: what it shows, its colours, what to be wary of, and what its maps' error figure means. */
export function methodInWords(name: string, errors: readonly MapError[] = [], colors?: string): string[] {
  const { summary, caution } = methodInfo(name);
  const kinds = [...new Set(errors.map((e) => e.kind))];
  const about = kinds.map((kind) => meanings[kind]).filter((text) => text !== '');
  const reasons = new Set(errors.flatMap((e) => (e.kind === 'none' ? [e.reason] : [])));
  return [
    ...(summary ? [sentence(summary)] : []),
    ...(colors ? [colors] : []),
    ...(caution ? [sentence(`beware: it ${caution}`)] : []),
    ...about,
    ...[...reasons].map((reason) => (/^exact\b/.test(reason) ? sentence(reason) : `No error figure: ${reason}.`)),
  ];
}

/** The error figure of one map: '' where the method gives none, which {@link methodInWords} says. */
export const errorInWords = ({ error }: Pick<Attribution, 'error'>): string =>
  error.kind === 'none' ? '' : sentence(printError(error).replaceAll(' %', '\u00a0%'));
