/**
 * Ablation-CAM: R = sum_k w_k A_k, w_k = (f(x) - f(x with A_k = 0)) / f(x). (Desai and Ramaswamy 2020,
 * doi:10.1109/WACV45572.2020.9093360.) Only the layers behind A run again, once a channel. The weights change their
 * sign where f(x) < 0.
 */
import { input } from '../../graph/leaves.ts';
import { substitute } from '../../graph/substitute.ts';
import { mul } from '../../ops/binary.ts';
import { broadcastTo } from '../../ops/broadcast.ts';
import { oneHot } from '../../ops/one_hot.ts';
import { reshape } from '../../ops/reshape.ts';
import { count } from '../../options.ts';
import type { Feeds } from '../../plan/program.ts';
import { camOptions, presentCam } from '../cam.ts';
import { Pulse } from '../pulse.ts';
import { defineMethod } from '../types.ts';
import { weightedSum } from './score_cam.ts';

export const ablationCam = defineMethod({
  summary: 'activations weighted by how much the score falls without their channel',
  options: { ...camOptions, batch: count(16, 'channels in one run') },
  target: 'one',
  // A pass behind the last stage is next to nothing; at an earlier layer it is the rest of the network, once a channel.
  cost: () => ({ forwards: 2 }),
  async compile(model, score, { layer, relu, batch: limit }, control) {
    const picture = input(model.inputName, [1, ...model.pictureShape]);
    const whole = score({ input: picture });
    const { value, channelsFirst } = whole.graph.map(layer);
    const activations = channelsFirst(value);
    const [, k, h, w] = activations.shape as [number, number, number, number];
    const first = await model.engine.compile(
      { outputs: { stored: value, activations, scores: whole.scores } },
      control,
    );
    const batch = Math.min(limit, k);
    // The tail at another batch: the layer's value is fed, what else of the network it needs runs on the picture.
    const tail = score({ input: broadcastTo(picture, [batch, ...model.pictureShape]) });
    const at = tail.graph.map(layer);
    const channelAxis = at.channelsFirst(at.value) === at.value ? 1 : at.value.rank - 1;
    const hidden = oneHot(input('channel', [batch], 'i32'), k, { on: 0, off: 1 });
    const kept = reshape(
      hidden,
      at.value.shape.map((_, axis) => (axis === 0 ? batch : axis === channelAxis ? k : 1)),
    );
    const fed = input('activations', value.shape);
    const [scores] = substitute([tail.scores], at.value, mul(fed, kept));
    const ablated = await model.engine.compile({ outputs: { scores: scores! } }, control).catch((error: unknown) => {
      first.dispose();
      throw error;
    });
    return {
      async run({ pixels, feeds, signal, onProgress, onPartial }) {
        const needed = [...ablated.plan.inputs.keys()];
        const given: Feeds = { [model.inputName]: pixels, ...feeds };
        const out = await first.run(given);
        const weights = new Float64Array(k);
        const pulse = new Pulse();
        const present = () => presentCam(model, weightedSum(out.activations, weights, h * w), [h, w], relu);
        for (let from = 0; from < k; from += batch) {
          signal?.throwIfAborted();
          const channel = Int32Array.from({ length: batch }, (_, i) => Math.min(k - 1, from + i));
          const all: Feeds = { ...given, activations: out.stored, channel };
          const { scores } = await ablated.run(Object.fromEntries(needed.map((name) => [name, all[name]!])));
          for (let i = 0; i < batch && from + i < k; i++)
            weights[from + i] = (out.scores[0]! - scores[i]!) / out.scores[0]!;
          onProgress?.({ done: Math.min(k, from + batch), total: k });
          if (onPartial && from + batch < k && pulse.due()) onPartial(present());
        }
        return { ...present(), score: out.scores[0]! };
      },
      dispose() {
        first.dispose();
        ablated.dispose();
      },
    };
  },
});
