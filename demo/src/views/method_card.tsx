/** One method's map of one picture and class: appears as it is computed, says how far to trust it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { FigureOptions } from '../../../src/explain/index.ts';
import { faultOf, isAborted, lab, type Fault } from '../lab.ts';
import { Button, Picture, Problem, Progress } from '../ui/parts.tsx';
import type { MapInfo, MethodInfo, Partial } from '../worker/explaining.ts';
import type { Shown } from '../worker/session.ts';
import { costInWords } from './method_picker.tsx';

interface MethodCardProps {
  method: MethodInfo | undefined;
  picture: Shown;
  target: number;
  label: string;
  figure: FigureOptions;
  onRemove: () => void;
}

export function MethodCard({ method, picture, target, label, figure, onRemove }: MethodCardProps) {
  const [partial, setPartial] = useState<Partial>();
  const [map, setMap] = useState<MapInfo>();
  const [drawn, setDrawn] = useState<{ image: ImageData; colors: string }>();
  const [fault, setFault] = useState<Fault>();
  const [stopped, setStopped] = useState(false);
  const run = useRef(0);
  const name = method?.name;

  const start = async () => {
    if (!name) return;
    const mine = ++run.current;
    setFault(undefined);
    setStopped(false);
    setPartial(undefined);
    setMap(undefined);
    try {
      const onPartial = (now: Partial) => mine === run.current && setPartial((p) => ({ ...p, ...now }));
      const made = await lab.explain(picture.id, name, target, onPartial);
      if (mine === run.current) setMap(made);
      else void lab.forget(made.id);
    } catch (error) {
      if (mine !== run.current) return;
      if (isAborted(error)) setStopped(true);
      else setFault(faultOf(error));
    }
  };
  useEffect(() => {
    void start();
    return () => {
      run.current++;
      if (name) void lab.stop(`explain ${name}`);
    };
  }, [name, picture.id, target]);
  useEffect(() => {
    if (!map) return;
    let current = true;
    lab
      .draw(map.id, figure)
      .then((result) => current && result && setDrawn(result))
      .catch((error: unknown) => !isAborted(error) && setFault(faultOf(error)));
    return () => {
      current = false;
    };
  }, [map, figure]);
  useEffect(() => () => void (map && lab.forget(map.id)), [map]);

  if (!method) return null;
  const busy = !map && !fault && !stopped;
  return (
    <article class="card" aria-busy={busy}>
      <header>
        <h3>{method.name}</h3>
        <Button kind="quiet" onClick={onRemove} aria-label={`Remove ${method.name}`}>
          ✕
        </Button>
      </header>
      <Picture
        image={(map ? drawn?.image : partial?.image) ?? drawn?.image}
        label={`${method.name} for ${label}`}
        class={busy ? 'waiting' : ''}
      />
      {busy && (
        <div class="row">
          <Progress
            done={partial?.progress.done ?? 0}
            total={partial?.progress.total ?? NaN}
            label={partial ? `${partial.progress.done} of ${partial.progress.total}` : costInWords(method.forwards)}
          />
          <Button kind="quiet" onClick={() => void lab.stop(`explain ${method.name}`)}>
            Stop
          </Button>
        </div>
      )}
      {stopped && <Button onClick={() => void start()}>Stopped. Begin again</Button>}
      {fault && <Problem fault={fault} />}
      <p>{sentence(method.summary)}</p>
      {map && drawn?.colors && <p class="note">{drawn.colors}</p>}
      {map?.error && <p class="figure">{map.error}</p>}
      {map?.noError && <p class="figure note">{sentence(`no error figure: ${map.noError}`)}</p>}
      {method.caution && <p class="note">{sentence(`beware: it ${method.caution}`)}</p>}
    </article>
  );
}

const sentence = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
