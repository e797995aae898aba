/** Classes with their probabilities, the likeliest first; one can be asked about. */
import type { ClassScore } from '../../../src/model/model.ts';
import { percent } from './parts.tsx';

interface BarsProps {
  scores: readonly ClassScore[];
  /** Of the whole picture, where a part of it is hidden now. */
  before?: readonly ClassScore[] | undefined;
  top: number;
  target: number | undefined;
  onTarget: (index: number) => void;
}

export function Bars({ scores, before, top, target, onTarget }: BarsProps) {
  const order = before ?? scores;
  const now = new Map(scores.map((score) => [score.index, score]));
  return (
    <ol class="bars">
      {order.slice(0, top).map(({ index, label, probability }) => {
        const shown = now.get(index)?.probability ?? probability;
        const change = shown - probability;
        return (
          <li key={index}>
            <button type="button" aria-pressed={target === index} onClick={() => onTarget(index)}>
              <span class="label">{label}</span>
              <span class="bar">
                <span style={{ width: `${100 * shown}%` }} />
                {before && <i style={{ left: `${100 * probability}%` }} />}
              </span>
              <span class="value">{percent(shown)}</span>
              {before && Math.abs(change) >= 0.005 && (
                <span class={change < 0 ? 'change down' : 'change up'}>
                  {change < 0 ? '−' : '+'}
                  {Math.abs(100 * change).toFixed(0)}
                </span>
              )}
            </button>
          </li>
        );
      })}
    </ol>
  );
}
