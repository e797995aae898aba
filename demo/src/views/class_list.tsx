/** Classes with their pictures. Every fourth picture is held out; a pinned one is explained after each epoch. */
import { lab } from '../lab.ts';
import { Intake, type Source } from '../ui/intake.tsx';
import { Button, Picture } from '../ui/parts.tsx';

export interface Item {
  id: number;
  image: ImageData;
  pinned: boolean;
}

export interface TuneClass {
  name: string;
  items: Item[];
}

interface ClassListProps {
  classes: readonly TuneClass[];
  disabled: boolean;
  onChange: (classes: TuneClass[]) => void;
  onPictures: (at: number, sources: Source[]) => void;
}

export function ClassList({ classes, disabled, onChange, onPictures }: ClassListProps) {
  const set = (at: number, part: Partial<TuneClass>) =>
    onChange(classes.map((c, i) => (i === at ? { ...c, ...part } : c)));
  return (
    <div class="classes">
      {classes.map(({ name, items }, at) => (
        <fieldset key={at} disabled={disabled}>
          <legend class="row">
            <input
              value={name}
              aria-label={`Name of class ${at + 1}`}
              onInput={(e) => set(at, { name: e.currentTarget.value })}
            />
            <Button
              kind="quiet"
              disabled={disabled || classes.length <= 2}
              aria-label={`Remove ${name}`}
              onClick={() => {
                onChange(classes.filter((_, i) => i !== at));
                void lab.drop(...items.map(({ id }) => id));
              }}
            >
              ✕
            </Button>
          </legend>
          <div class="thumbs">
            {items.map(({ id, image, pinned }) => (
              <div key={id} class={`thumb ${pinned ? 'pinned' : ''}`}>
                <Picture
                  image={image}
                  label={`${name}${pinned ? ', pinned' : ''}: pin or unpin`}
                  onClick={() =>
                    set(at, { items: items.map((item) => (item.id === id ? { ...item, pinned: !pinned } : item)) })
                  }
                />
                <button
                  type="button"
                  class="remove"
                  aria-label="Remove this picture"
                  onClick={() => {
                    set(at, { items: items.filter((item) => item.id !== id) });
                    void lab.drop(id);
                  }}
                >
                  ✕
                </button>
              </div>
            ))}
          </div>
          <p class="note">
            {items.length === 0
              ? 'No pictures yet.'
              : `${items.length} pictures, ${Math.floor(items.length / 4)} of them held out. Choose one to pin it: its explanation is redrawn after each epoch.`}
          </p>
          <Intake label="Add pictures" multiple onPictures={(sources) => onPictures(at, sources)} />
        </fieldset>
      ))}
      <Button
        disabled={disabled}
        onClick={() => onChange([...classes, { name: `class ${classes.length + 1}`, items: [] }])}
      >
        Add a class
      </Button>
    </div>
  );
}
