/** Two results of the benchmark beside one another: what is slower, what is faster, what cannot be told. */
import { compare } from '../../../bench/core/compare.ts';
import type { BenchResult } from '../../../bench/core/result.ts';
import { Button } from '../ui/parts.tsx';
import { print } from './bench.tsx';

interface ComparisonProps {
  before: { name: string; result: BenchResult };
  after: BenchResult;
  onClose: () => void;
}

export function Comparison({ before, after, onClose }: ComparisonProps) {
  const { changes, means, caveats } = compare(before.result, after);
  return (
    <section>
      <div class="row">
        <h2>Beside {before.name}</h2>
        <Button kind="quiet" onClick={onClose} aria-label="Close the comparison">
          ✕
        </Button>
      </div>
      {caveats.map((caveat) => (
        <p key={caveat} class="warning">
          Beware: {caveat}.
        </p>
      ))}
      <p>
        {changes.length === 0
          ? 'They have no case in common.'
          : `Time here over time there, geometric mean: ${print(means['wgrad'])}.`}
      </p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Changes by case">
        <table class="times">
          <thead>
            <tr>
              {['case', 'there, ms', 'here, ms', 'ratio', '95 % interval', 'here it is'].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {changes.map(({ id, before: there, after: here, ratio, low, high, verdict }) => (
              <tr key={id}>
                <th scope="row">{id}</th>
                <td>{print(there)}</td>
                <td>{print(here)}</td>
                <td>{print(ratio)}</td>
                <td>
                  {print(low)} to {print(high)}
                </td>
                <td class={{ slower: 'wrong', faster: 'right', unclear: '' }[verdict]}>{verdict}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
