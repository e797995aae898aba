/**
 * The design of every page and chart: colours, sizes, spaces, as CSS variables. One accent; colours that mean something
 * mean the same everywhere. Text on paper and on wash has a contrast of 4.5 at least, marks of 3 (WCAG AA).
 */

export interface Theme {
  /** The page, and what lies in it: boxes, table heads. */
  paper: string;
  wash: string;
  /** Text; what stands back; lines. */
  ink: string;
  quiet: string;
  line: string;
  /** Links, the focus, the first series. */
  accent: string;
  /** Verdicts. */
  right: string;
  wrong: string;
  warn: string;
  /** What speaks for a class and against it. */
  for: string;
  against: string;
  /** Layers that are kept as they are, and those that are trained. */
  frozen: string;
  trained: string;
  /** Of charts, told apart by colour-blind eyes too. */
  series: readonly [string, string, string, string, string, string];
}

export const themes: Readonly<Record<'light' | 'dark', Theme>> = {
  light: {
    paper: '#ffffff',
    wash: '#f5f6f8',
    ink: '#16181d',
    quiet: '#565c69',
    line: '#dfe2e8',
    accent: '#1f58d0',
    right: '#14713f',
    wrong: '#b3261e',
    warn: '#8a4b00',
    for: '#a50f23',
    against: '#143c96',
    frozen: '#5b7b9e',
    trained: '#bd5409',
    series: ['#1f58d0', '#bd5409', '#14806b', '#8a3ab9', '#a67c00', '#c2255c'],
  },
  dark: {
    paper: '#14161a',
    wash: '#1d2026',
    ink: '#eceef2',
    quiet: '#a9b0bd',
    line: '#343943',
    accent: '#8cb4ff',
    right: '#6fd39b',
    wrong: '#ff9a8f',
    warn: '#f5bf6b',
    for: '#ff8a80',
    against: '#8ab0f0',
    frozen: '#86a3c3',
    trained: '#f3954e',
    series: ['#8cb4ff', '#f3954e', '#5ecdb4', '#cf9cf2', '#dcb94a', '#ff8fb0'],
  },
};

/** In px. Nothing is smaller than `small`. */
export const sizes = { small: 12, note: 13, text: 16, picture: 224 } as const;

export const face = `system-ui,-apple-system,'Segoe UI',Roboto,sans-serif`;

function variables({ series, ...colors }: Theme): string {
  const named = Object.entries(colors).map(([name, value]) => `--${name}:${value}`);
  return [...named, ...series.map((value, i) => `--series-${i + 1}:${value}`)].join(';');
}

/** Sets the variables on `selector`, light or dark as the reader's system is. */
export const themeCss = (selector = ':root'): string =>
  `${selector}{color-scheme:light dark;${variables(themes.light)}}
@media(prefers-color-scheme:dark){${selector}{${variables(themes.dark)}}}`;

/** The colour of the i-th series; the seventh is like the first. */
export const seriesColor = (i: number): string => `var(--series-${(i % themes.light.series.length) + 1})`;
