/** Small parts that every view uses. */
import type { ComponentChildren, ComponentProps } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Fault } from '../lab.ts';

/** Pixels on a canvas, scaled by CSS without smoothing where they are few. */
export function Picture(props: { image: ImageData | undefined; label: string; class?: string; onClick?: () => void }) {
  const ref = useRef<HTMLCanvasElement>(null);
  const { image, label, onClick } = props;
  useEffect(() => {
    const canvas = ref.current;
    if (!canvas || !image) return;
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext('2d')!.putImageData(image, 0, 0);
  }, [image]);
  const canvas = (
    <canvas ref={ref} role="img" aria-label={label} class={`picture ${(image?.width ?? 0) < 128 ? 'pixelated' : ''}`} />
  );
  const frame = `frame ${props.class ?? ''}`;
  if (!onClick) return <div class={frame}>{canvas}</div>;
  return (
    <button type="button" class={frame} onClick={onClick} aria-label={label}>
      {canvas}
    </button>
  );
}

export function Button(props: ComponentProps<'button'> & { kind?: 'plain' | 'main' | 'quiet' }) {
  const { kind = 'plain', class: extra, ...rest } = props;
  return <button type="button" {...rest} class={`button ${kind} ${String(extra ?? '')}`} />;
}

export function Progress({ done, total, label }: { done: number; total: number; label: string }) {
  const known = Number.isFinite(total) && total > 0;
  return (
    <div class="progress">
      <progress {...(known ? { value: done, max: total } : {})} aria-label={label} />
      <span class="note">{label}</span>
    </div>
  );
}

/** What went wrong, and what to do. */
export function Problem({ fault, onClose }: { fault: Fault; onClose?: () => void }) {
  return (
    <div class="problem" role="alert">
      <div>
        <strong>{fault.message}</strong>
        {fault.reasons && (
          <ul>
            {fault.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        )}
        {fault.remedy && <p>{fault.remedy}.</p>}
        <code>{fault.code}</code>
      </div>
      {onClose && (
        <Button kind="quiet" onClick={onClose} aria-label="Dismiss">
          ✕
        </Button>
      )}
    </div>
  );
}

export function Field({ label, children, note }: { label: string; children: ComponentChildren; note?: string }) {
  return (
    <label class="field">
      <span>{label}</span>
      {children}
      {note && <small>{note}</small>}
    </label>
  );
}

interface SelectProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: string])[];
  onChange: (value: T) => void;
}

export function Select<T extends string>({ label, value, options, onChange }: SelectProps<T>) {
  return (
    <Field label={label}>
      <select value={value} onChange={(e) => onChange(e.currentTarget.value as T)}>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  );
}

interface RangeProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step: number;
  print?: (value: number) => string;
  onChange: (value: number) => void;
}

export function Range({ label, value, min, max, step, print = String, onChange }: RangeProps) {
  return (
    <Field label={`${label}: ${print(value)}`}>
      <input
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        onInput={(e) => onChange(Number(e.currentTarget.value))}
      />
    </Field>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h3>{title}</h3>
      {children}
    </div>
  );
}

export const percent = (share: number): string => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
