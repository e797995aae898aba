/** Bundled by vite for long_tasks.test.ts: a network's way through a page, in phases that the test asks for. */
import { Engine, type Model } from '../../src/index.ts';
import { explain } from '../../src/explain/index.ts';
import { loadOnnx } from '../../src/onnx/index.ts';
import { fit, inMemory, sgd } from '../../src/train/index.ts';

/** Work that looks at the clock this often has had its turn; that it looks is what is counted, not how fast a machine is. */
const LOOKS_PER_TURN = 3;
let [looks, turns] = [0, 0];
performance.now = () => (looks++ * 25) / LOOKS_PER_TURN;
const timer = globalThis.setTimeout;
/** A turn ends by a timer without a delay. */
globalThis.setTimeout = ((work: () => void, ms?: number) => {
  if (ms === undefined) turns++;
  return timer(work, ms);
}) as typeof setTimeout;

let engine: Engine;
let model: Model;

const picture = () => new Float32Array(model.pictureShape.reduce((a, b) => a * b)).fill(0.1);

const phases = {
  async load() {
    engine = await Engine.create();
    model = await loadOnnx(engine, new URL('/model.onnx', location.href));
  },
  async 'first run'() {
    await model.run(picture());
  },
  async 'second run'() {
    await model.run(picture());
  },
  async 'training step'() {
    const data = inMemory([{ input: picture(), label: 0 }], ['a']);
    const events = fit(model, data, { epochs: 1, batchSize: 1, optimizer: sgd({ lr: 1e-9 }), cache: false });
    while (!(await events.next()).done);
  },
  async explanation() {
    await explain(model, picture(), { method: 'gradient', target: 0 });
  },
};

export type Phase = keyof typeof phases;
export type { phases };

declare global {
  /** Turns that the phase took. */
  var phase: (name: Phase) => Promise<number>;
}

globalThis.phase = async (name) => {
  turns = 0;
  await phases[name]();
  return turns;
};
