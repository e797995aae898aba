/** Curves while it trains, the confusion matrix with its pictures, and the maps of pinned pictures. */
import { useState } from 'preact/hooks';
import { Empty, Picture, percent } from '../ui/parts.tsx';
import { Plot } from '../ui/plot.tsx';
import type { PinnedMap, Verdict } from '../worker/tuning.ts';
import type { Item } from './class_list.tsx';

export interface History {
  steps: number[];
  losses: number[];
  epochs: number[];
  accuracy: number[];
  heldOut: (number | null)[];
  verdicts: Verdict[];
  maps: PinnedMap[];
  warnings: string[];
  /** Milliseconds of each step. */
  times: number[];
}

interface ResultsProps {
  history: History;
  classes: readonly string[];
  items: readonly Item[];
}

export function Results({ history, classes, items }: ResultsProps) {
  const { steps, losses, epochs, accuracy, heldOut, verdicts, maps, warnings } = history;
  if (steps.length === 0)
    return (
      <Empty title="Nothing trained yet">
        <p>Curves, the confusion matrix and the maps of pinned pictures appear here.</p>
      </Empty>
    );
  const curves = [
    { label: 'training', color: '--series-1', values: accuracy },
    { label: 'held out', color: '--series-2', values: heldOut },
  ];
  const held = heldOut.at(-1);
  return (
    <div class="results">
      <div class="plots">
        <Plot title="Loss" x={steps} curves={[{ label: 'loss', color: '--series-1', values: losses }]} />
        <Plot title="Accuracy" x={epochs} curves={curves} range={[0, 1]} />
      </div>
      {epochs.length > 0 && (
        <p role="status">
          Epoch {epochs.at(-1)}: {percent(accuracy.at(-1)!)} of the training pictures
          {held !== null && held !== undefined && (
            <>
              , <strong>{percent(held)}</strong> of those held out
            </>
          )}
          .
        </p>
      )}
      {warnings.map((warning) => (
        <p key={warning} class="warning" role="status">
          {warning}
        </p>
      ))}
      {verdicts.length > 0 && <Confusion verdicts={verdicts} classes={classes} items={items} />}
      {maps.length > 0 && (
        <>
          <h3>Pinned pictures, explained by Grad-CAM</h3>
          <div class="thumbs large">
            {maps.map(({ picture, image, label, onObject }) => (
              <figure key={picture}>
                <Picture image={image} label={`What speaks for ${classes[label]} in a pinned picture`} />
                <figcaption class="note">
                  {classes[label]}
                  {onObject !== undefined && <>: {percent(onObject)} on the object</>}
                </figcaption>
              </figure>
            ))}
          </div>
        </>
      )}
    </div>
  );
}

function Confusion({
  verdicts,
  classes,
  items,
}: {
  verdicts: readonly Verdict[];
  classes: readonly string[];
  items: readonly Item[];
}) {
  const [cell, setCell] = useState<[number, number]>();
  const inCell = (label: number, guess: number) => verdicts.filter((v) => v.label === label && v.guess === guess);
  const image = (id: number) => items.find((item) => item.id === id)?.image;
  const open = cell && inCell(...cell);
  return (
    <>
      <table class="confusion">
        <caption>
          Confusion matrix: rows are what a picture is, columns what it is taken for. Choose a cell to see its pictures.
        </caption>
        <thead>
          <tr>
            <td />
            {classes.map((name, i) => (
              <th key={i} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {classes.map((name, label) => {
            const all = verdicts.filter((v) => v.label === label).length;
            return (
              <tr key={label}>
                <th scope="row">{name}</th>
                {classes.map((_, guess) => {
                  const count = inCell(label, guess).length;
                  return (
                    <td
                      key={guess}
                      class={label === guess ? 'right' : 'wrong'}
                      style={{ '--share': String(all ? count / all : 0) } as never}
                    >
                      <button
                        type="button"
                        disabled={count === 0}
                        aria-pressed={cell?.[0] === label && cell[1] === guess}
                        onClick={() => setCell([label, guess])}
                      >
                        {count}
                      </button>
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
      {open && (
        <div class="thumbs">
          {open.map(({ picture, heldOut }) => (
            <Picture
              key={picture}
              image={image(picture)}
              label={`${classes[cell[0]]} taken for ${classes[cell[1]]}${heldOut ? ', held out' : ''}`}
              class={heldOut ? 'held' : ''}
            />
          ))}
        </div>
      )}
    </>
  );
}
