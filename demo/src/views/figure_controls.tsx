/** How maps are drawn; nothing here computes one anew. */
import type { FigureOptions } from '../../../src/explain/index.ts';
import { Range, Select } from '../ui/parts.tsx';

interface FigureControlsProps {
  figure: FigureOptions;
  onChange: (figure: FigureOptions) => void;
}

const MEANT = 'as meant';

export function FigureControls({ figure, onChange }: FigureControlsProps) {
  const set = (part: FigureOptions) => onChange({ ...figure, ...part });
  return (
    <details class="controls">
      <summary>How maps are drawn</summary>
      <div class="row">
        <Select
          label="Mode"
          value={figure.mode ?? 'blended'}
          options={[
            ['blended', 'over the picture'],
            ['heat', 'map alone'],
            ['masked', 'picture masked by the map'],
            ['alpha', 'picture faded by the map'],
          ]}
          onChange={(mode) => set({ mode })}
        />
        <Select
          label="Sign"
          value={figure.sign ?? MEANT}
          options={[
            [MEANT, 'as the method means it'],
            ['all', 'both signs'],
            ['positive', 'for'],
            ['negative', 'against'],
            ['absolute', 'magnitude'],
          ]}
          onChange={(sign) => set({ sign: sign === MEANT ? undefined : sign })}
        />
        <Select
          label="Colours"
          value={figure.colors ?? MEANT}
          options={[
            [MEANT, 'by sign'],
            ['diverging', 'red and blue'],
            ['heat', 'dark to bright'],
          ]}
          onChange={(colors) => set({ colors: colors === MEANT ? undefined : colors })}
        />
        <Range
          label="Opacity"
          value={figure.opacity ?? 0.6}
          min={0}
          max={1}
          step={0.05}
          onChange={(opacity) => set({ opacity })}
        />
        <Range
          label="Clipped at percentile"
          value={figure.percentile ?? 99.9}
          min={90}
          max={100}
          step={0.1}
          onChange={(percentile) => set({ percentile })}
        />
      </div>
    </details>
  );
}
