/**
 * npx tsx scripts/check-zoo.ts FOLDER [MODEL...]: every model that scripts/check-zoo.py wrote there is imported; its
 * logits and its input gradient are compared with torch's in float64, and one training step is taken. Prints a table of
 * relative L2 errors, beside those of torch's own float32; ends with 1 where a model fails or is off by more than
 * `tolerance` allows.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { grad } from '../src/autograd/grad.ts';
import type { Engine } from '../src/engine.ts';
import { decodeSafetensors } from '../src/formats/safetensors.ts';
import { constant, input } from '../src/graph/leaves.ts';
import { createEngine } from '../src/node/index.ts';
import { loadOnnx } from '../src/onnx/index.ts';
import { mul, sum } from '../src/ops/index.ts';
import { sgd, TrainStep } from '../src/train/index.ts';
import { compare, tolerance } from '../test/tolerance.ts';

/** How many times torch's own float32 error ours may be. */
const ILL_CONDITIONED = 4;

const [folder, ...chosen] = process.argv.slice(2);
if (!folder) {
  console.error('usage: npx tsx scripts/check-zoo.ts FOLDER [MODEL...]');
  process.exit(2);
}

/** Relative L2 errors of logits and gradient, ours and those of torch's float32; loss before a step. */
async function check(engine: Engine, directory: string) {
  const reference = decodeSafetensors(readFileSync(join(directory, 'reference.safetensors')), directory);
  const of = (name: string) => reference.floats(name).data;
  const shape = reference.read('x').shape;
  const model = await loadOnnx(engine, readFileSync(join(directory, 'model.onnx')));
  try {
    const x = input('x', shape);
    const [logits] = Object.values(model.network.build({ inputs: { [model.network.inputs[0]!.name]: x } }).outputs);
    const [dx] = grad(sum(mul(logits!, constant(of('cotangent'), logits!.shape))), [x]);
    const got = await engine.evaluate({ logits: logits!, dx: dx! }, { x: of('x') });
    const step = await TrainStep.create(model.unfreeze(), { optimizer: sgd({ lr: 1e-3 }), batch: shape[0]! });
    const { loss } = await step.run(
      of('x'),
      Int32Array.from({ length: shape[0]! }, (_, i) => i),
    );
    step.program.dispose();
    return {
      logits: compare(got.logits, of('logits')).relL2,
      gradient: compare(got.dx, of('dx')).relL2,
      float32: of('float32_error'),
      loss,
      warnings: model.warnings,
    };
  } finally {
    model.dispose();
  }
}

const engine = await createEngine();
console.log('model                                     logits    gradient  float32:  gradient  loss');
for (const name of readdirSync(folder).sort()) {
  if (!existsSync(join(folder, name, 'reference.safetensors'))) continue;
  if (chosen.length > 0 && !chosen.some((part) => name.startsWith(part))) continue;
  try {
    const { logits, gradient, float32, loss, warnings } = await check(engine, join(folder, name));
    // Some networks lose digits in any float32, and no two float32 computations lose the same ones.
    const within = (error: number, least: number, torch: number) => error < Math.max(least, ILL_CONDITIONED * torch);
    const right =
      within(logits, tolerance.zooLogits, float32[0]!) &&
      within(gradient, tolerance.zooGradient, float32[1]!) &&
      Number.isFinite(loss);
    if (!right) process.exitCode = 1;
    const numbers = [logits, gradient, ...float32].map((value) => value.toExponential(1).padEnd(9)).join(' ');
    console.log(`${name.padEnd(41)} ${numbers} ${loss.toFixed(3)}${right ? '' : '  WRONG'}`, ...warnings);
  } catch (error) {
    process.exitCode = 1;
    console.log(`${name.padEnd(41)} ${String((error as Error).message).slice(0, 300)}`);
  }
}
engine.dispose();
