/** Numbers as people read them. */

const MINUS = '\u2212';

/** `digits` significant ones at most, no exponent where it is not needed: '0.25', '−12', '1.5e6'. */
export function short(value: number, digits = 3): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value))
    return Number.isNaN(value) ? 'not a number' : value > 0 ? 'infinity' : `${MINUS}infinity`;
  const rounded = Number(value.toPrecision(digits));
  const plain = Math.abs(rounded) >= 1e-3 && Math.abs(rounded) < 1e5;
  const text = plain ? String(rounded) : rounded.toExponential().replace('e+', 'e');
  return text.replaceAll('-', MINUS);
}

/** Of a share: 0.871 is '87.1 %'. */
export const percent = (share: number, decimals = 1): string =>
  `${(100 * share).toFixed(decimals)} %`.replace('-', MINUS);
