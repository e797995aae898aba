/** Methods to stand side by side, with what they show and what they cost. */
import { useState } from 'preact/hooks';
import type { MethodInfo } from '../worker/explaining.ts';

interface MethodPickerProps {
  methods: readonly MethodInfo[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}

export const costInWords = (forwards: number | undefined): string =>
  forwards === undefined ? '' : forwards < 1.5 ? '1 forward pass' : `${Math.round(forwards)} forward passes`;

export function MethodPicker({ methods, chosen, onChange }: MethodPickerProps) {
  const [filter, setFilter] = useState('');
  const found = methods
    .filter(({ name, summary }) => `${name} ${summary}`.toLowerCase().includes(filter.toLowerCase()))
    .toSorted((a, b) => (a.forwards ?? Infinity) - (b.forwards ?? Infinity));
  const toggle = (name: string) =>
    onChange(chosen.includes(name) ? chosen.filter((m) => m !== name) : [...chosen, name]);
  return (
    <details class="controls">
      <summary>Methods: {chosen.length} chosen</summary>
      <input
        type="search"
        placeholder="Search"
        aria-label="Search methods"
        value={filter}
        onInput={(e) => setFilter(e.currentTarget.value)}
      />
      <ul class="methods">
        {found.map(({ name, summary, forwards }) => (
          <li key={name}>
            <label>
              <input type="checkbox" checked={chosen.includes(name)} onChange={() => toggle(name)} />
              <span>
                <strong>{name}</strong> <span class="note">{costInWords(forwards)}</span>
                <br />
                {summary}
              </span>
            </label>
          </li>
        ))}
      </ul>
    </details>
  );
}
