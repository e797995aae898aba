/** A network whose layers are the picture itself, and one program that evaluates an objective on it. */
import { grad } from '../../src/autograd/grad.ts';
import type { Objective } from '../../src/ascent/index.ts';
import { sceneOf } from '../../src/ascent/scene.ts';
import { input } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Model } from '../../src/model/model.ts';
import { mean, sum } from '../../src/ops/reduce.ts';
import { tinyModel } from '../explain/tiny_network.ts';
import { testEngine } from '../support/engine.ts';

/** Layers: maps = x, pooled = its mean over space; logits = its sum over space. */
export async function mirrorModel(picture: [number, number, number], metadata = {}): Promise<Model> {
  return tinyModel(await testEngine(), {
    picture,
    metadata,
    build: (x: Tensor) => ({ maps: x, pooled: mean(x, [2, 3]), logits: sum(x, [2, 3]) }),
  });
}

/** Scores of pictures [N,C,H,W] and the gradient of their sum; `pixels` are the pictures themselves. */
export async function evaluate(model: Model, objective: Objective, pictures: Float32Array, n: number, alpha?: Tensor) {
  const shape = [n, ...model.pictureShape];
  const x = input('pictures', shape);
  const scene = sceneOf(model, model.graph({ input: x }), { pixels: x, input: x, alpha });
  const score = objective.build(scene);
  const [gradient] = grad(sum(score), [x]);
  return model.engine.evaluate({ score, gradient: gradient! }, { pictures });
}
