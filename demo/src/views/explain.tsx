/** Classify a picture, ask why, ask why not. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ClassScore } from '../../../src/model/model.ts';
import type { FigureOptions } from '../../../src/explain/index.ts';
import type { ViewProps } from '../app.tsx';
import { faultOf, isAborted, lab, type Fault } from '../lab.ts';
import { Bars } from '../ui/bars.tsx';
import { Intake, type Source } from '../ui/intake.tsx';
import { Button, Empty, Problem } from '../ui/parts.tsx';
import type { MethodInfo } from '../worker/explaining.ts';
import type { Shown } from '../worker/session.ts';
import { FigureControls } from './figure_controls.tsx';
import { HoverPicture } from './hover_picture.tsx';
import { MethodCard } from './method_card.tsx';
import { MethodPicker } from './method_picker.tsx';

const FIRST_METHODS = ['gradient', 'integrated-gradients', 'grad-cam', 'deep-shap'];
/** Classes of the embedded model's generated pictures. */
const SAMPLE_CLASSES = ['ring', 'star', 'square', 'crescent', 'triangle', 'cross', 'disc', 'bars'];

export function ExplainView({ model, active }: ViewProps) {
  const [shown, setShown] = useState<Shown>();
  const [scores, setScores] = useState<ClassScore[]>();
  const [hidden, setHidden] = useState<ClassScore[]>();
  const [target, setTarget] = useState<number>();
  const [methods, setMethods] = useState<MethodInfo[]>([]);
  const [chosen, setChosen] = useState(FIRST_METHODS);
  const [figure, setFigure] = useState<FigureOptions>({ mode: 'blended', opacity: 0.6, percentile: 99.9 });
  const [fault, setFault] = useState<Fault>();
  const samples = useRef(0);

  const fail = (error: unknown) => {
    if (!isAborted(error)) setFault(faultOf(error));
  };
  const show = async (picture: Shown) => {
    setFault(undefined);
    setShown((before) => {
      if (before) void lab.drop(before.id);
      return picture;
    });
    setScores(undefined);
    setHidden(undefined);
    const found = await lab.classify(picture.id);
    setScores(found);
    setTarget(found[0]?.index);
  };
  const add = ([source]: Source[]) => lab.add(source!).then(show).catch(fail);
  const sample = () => {
    const at = samples.current++;
    const name = SAMPLE_CLASSES[at % SAMPLE_CLASSES.length]!;
    return lab
      .samples([name], 1, `page ${at}`)
      .then(([first]) => show(first!))
      .catch(fail);
  };

  useEffect(() => {
    lab.methods().then(setMethods).catch(fail);
  }, []);
  // After a training, or another project: the picture in view is another one's to judge.
  const revision = useRef(0);
  const known = useRef(model);
  if (known.current !== model) {
    known.current = model;
    revision.current++;
  }
  useEffect(() => {
    if (revision.current === 0 || !shown) return;
    lab.classify(shown.id).then(
      (found) => {
        setScores(found);
        setHidden(undefined);
        setTarget(found[0]?.index);
      },
      // Pictures of another size went with the network that they were for.
      () => setShown(undefined),
    );
  }, [model]);
  // Maps that nobody sees would only keep the view that is shown waiting.
  useEffect(() => {
    if (active && samples.current === 0 && !shown) void sample();
  }, [active]);

  return (
    <div class="explain">
      <div class="column">
        <Intake label="Choose a picture" pastes={active} onPictures={(sources) => void add(sources)}>
          <Button onClick={() => void sample()}>Another sample</Button>
        </Intake>
        {fault && <Problem fault={fault} onClose={() => setFault(undefined)} />}
        {shown && <HoverPicture picture={shown} onScores={setHidden} />}
        {scores ? (
          <>
            <Bars scores={hidden ?? scores} before={hidden && scores} top={5} target={target} onTarget={setTarget} />
            <p class="note">
              {hidden
                ? 'With the marked region painted over by its mean colour. The line marks the score of the whole picture.'
                : 'Choose a class to ask what speaks for it. Point at the picture to hide a region.'}
            </p>
          </>
        ) : (
          <Empty title={shown ? 'Classifying' : 'No picture yet'}>
            {!shown && <p>Drop one here, paste it, or draw it.</p>}
          </Empty>
        )}
      </div>
      <div class="column wide">
        <div class="panels">
          <MethodPicker methods={methods} chosen={chosen} onChange={setChosen} />
          <FigureControls figure={figure} onChange={setFigure} />
        </div>
        <div class="cards">
          {shown &&
            target !== undefined &&
            chosen.map((name) => (
              <MethodCard
                key={`${name} ${revision.current}`}
                method={methods.find((m) => m.name === name)}
                picture={shown}
                target={target}
                label={model.labels[target] ?? `class ${target}`}
                figure={figure}
                onRemove={() => setChosen(chosen.filter((other) => other !== name))}
              />
            ))}
        </div>
      </div>
    </div>
  );
}
