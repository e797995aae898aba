/** Optimiser, learning rate, epochs, batch. */
import { Field, Range, Select } from '../ui/parts.tsx';

export interface TuneSettings {
  optimizer: 'adam' | 'sgd';
  lr: number;
  epochs: number;
  batchSize: number;
}

interface SettingsProps {
  settings: TuneSettings;
  disabled: boolean;
  onChange: (settings: TuneSettings) => void;
}

export function Settings({ settings, disabled, onChange }: SettingsProps) {
  const set = (part: Partial<TuneSettings>) => onChange({ ...settings, ...part });
  return (
    <fieldset class="row settings" disabled={disabled}>
      <legend class="hidden">Training</legend>
      <Select
        label="Optimiser"
        value={settings.optimizer}
        options={[
          ['adam', 'Adam'],
          ['sgd', 'SGD, momentum 0.9'],
        ]}
        onChange={(optimizer) => set({ optimizer, lr: optimizer === 'adam' ? 3e-3 : 1e-2 })}
      />
      <Range
        label="Learning rate"
        value={Math.log10(settings.lr)}
        min={-5}
        max={-1}
        step={0.25}
        print={(v) => (10 ** v).toPrecision(2)}
        onChange={(v) => set({ lr: 10 ** v })}
      />
      <Range label="Epochs" value={settings.epochs} min={1} max={60} step={1} onChange={(epochs) => set({ epochs })} />
      <Field label="Pictures a step">
        <input
          type="number"
          min={1}
          max={64}
          value={settings.batchSize}
          onInput={(e) => set({ batchSize: Math.max(1, Math.round(e.currentTarget.valueAsNumber) || 1) })}
        />
      </Field>
    </fieldset>
  );
}
