/** The network's stages from picture to classes; frozen ones look frozen, and cost no gradient. */
import { shapeInWords, Slab, usePickedInView } from '../ui/slab.tsx';
import type { Stage } from '../worker/session.ts';

interface NetworkMapProps {
  stages: readonly Stage[];
  /** Height of the network's picture. */
  side: number;
  unfrozen: readonly string[];
  disabled: boolean;
  onChange: (unfrozen: string[]) => void;
}

export const short = (n: number): string =>
  n >= 1e6 ? `${(n / 1e6).toFixed(1)} M` : n >= 1e3 ? `${(n / 1e3).toFixed(1)} k` : String(n);

const states = { trained: 'trained', passed: 'gradient passes', frozen: 'frozen' } as const;

export function NetworkMap({ stages, side, unfrozen, disabled, onChange }: NetworkMapProps) {
  const trainable = stages.filter(({ parameters }) => parameters > 0);
  const lowest = trainable.findIndex(({ name }) => unfrozen.includes(name));
  const toggle = (name: string) =>
    onChange(unfrozen.includes(name) ? unfrozen.filter((n) => n !== name) : [...unfrozen, name]);
  const list = usePickedInView();
  return (
    <ol ref={list} class="network">
      {trainable.map(({ name, shape, parameters }, i) => {
        const state = unfrozen.includes(name) ? 'trained' : lowest >= 0 && i >= lowest ? 'passed' : 'frozen';
        return (
          <li key={name} class={state}>
            <button type="button" disabled={disabled} aria-pressed={state === 'trained'} onClick={() => toggle(name)}>
              <Slab shape={shape} side={side} />
              <strong>{name}</strong>
              <span class="note">{shapeInWords(shape)}</span>
              <span class="note">{short(parameters)} parameters</span>
              <span class="state">{states[state]}</span>
            </button>
          </li>
        );
      })}
    </ol>
  );
}
