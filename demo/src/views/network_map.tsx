/** The network's stages from picture to classes; frozen ones look frozen, and cost no gradient. */
import type { Stage } from '../worker/session.ts';

interface NetworkMapProps {
  stages: readonly Stage[];
  unfrozen: readonly string[];
  disabled: boolean;
  onChange: (unfrozen: string[]) => void;
}

const short = (n: number) =>
  n >= 1e6 ? `${(n / 1e6).toFixed(1)} M` : n >= 1e3 ? `${(n / 1e3).toFixed(1)} k` : String(n);
const F32 = 4;
/** Weight, gradient and the two moments of Adam. */
const COPIES = 4;

export function NetworkMap({ stages, unfrozen, disabled, onChange }: NetworkMapProps) {
  const trainable = stages.filter(({ parameters }) => parameters > 0);
  const lowest = trainable.findIndex(({ name }) => unfrozen.includes(name));
  const total = trainable.reduce((n, s) => n + s.parameters, 0);
  const trained = trainable.filter(({ name }) => unfrozen.includes(name)).reduce((n, s) => n + s.parameters, 0);
  const most = Math.max(...trainable.map(({ parameters }) => parameters));
  const toggle = (name: string) =>
    onChange(unfrozen.includes(name) ? unfrozen.filter((n) => n !== name) : [...unfrozen, name]);
  return (
    <div>
      <ol class="network">
        {trainable.map(({ name, shape, parameters }, i) => {
          const isTrained = unfrozen.includes(name);
          const backward = lowest >= 0 && i >= lowest;
          return (
            <li key={name} class={isTrained ? 'trained' : backward ? 'passed' : 'frozen'}>
              <button type="button" disabled={disabled} aria-pressed={isTrained} onClick={() => toggle(name)}>
                <span class="block" style={{ '--share': String(Math.sqrt(parameters / most)) } as never} />
                <strong>{name}</strong>
                <span class="note">{shape ? `${shape[0]} × ${shape[1]} × ${shape[2]}` : 'classes'}</span>
                <span class="note">{short(parameters)} parameters</span>
                <span class="state">{isTrained ? 'trained' : backward ? 'gradient passes' : 'frozen'}</span>
              </button>
            </li>
          );
        })}
      </ol>
      <p class="note">
        {short(trained)} of {short(total)} parameters are trained:{' '}
        {short((trained * F32 * COPIES) / 1).replace(/^(\d+)$/, '$1')}B for weights, gradients and moments.{' '}
        {lowest <= 0
          ? 'The gradient goes through the whole network.'
          : `Nothing before ${trainable[lowest]?.name} computes a gradient.`}
      </p>
    </div>
  );
}
