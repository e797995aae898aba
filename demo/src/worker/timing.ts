/** A quick look at this device: the open model, and single layers beside the arithmetic and the memory that they need. */
import { grad } from '../../../src/autograd/grad.ts';
import { constant, input } from '../../../src/graph/leaves.ts';
import type { Tensor } from '../../../src/graph/tensor.ts';
import { add, conv2d, matmul, relu, slice, sum } from '../../../src/ops/index.ts';
import { classIndex } from '../../../src/model/target.ts';
import type { Session } from './session.ts';

export interface Timing {
  name: string;
  /** Milliseconds of all rounds, in order. */
  samples: number[];
  median: number;
  p5: number;
  p95: number;
  flops: number;
  /** Read and written by the algorithm, each tensor once. */
  bytes: number;
  dispatches: number;
}

interface Case {
  name: string;
  outputs: () => Record<string, Tensor>;
  bytes: (outputs: Record<string, Tensor>) => number;
}

const ROUNDS = 9;
const F32 = 4;

const bytesOf = (...tensors: Tensor[]) => F32 * tensors.reduce((n, t) => n + t.size, 0);

/** Uniform values that no kernel can do without. */
const filled = (shape: number[]): Tensor =>
  constant(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 13) % 29) / 29 - 0.5),
    shape,
  );

function square(n: number): Case {
  const [a, b] = [input('a', [n, n]), input('b', [n, n])];
  return { name: `matmul ${n}`, outputs: () => ({ y: matmul(a, b) }), bytes: () => 3 * F32 * n * n };
}

function layer(channels: number, side: number, kernel: number): Case {
  const x = input('x', [1, channels, side, side]);
  const w = filled([channels, channels, kernel, kernel]);
  const pad = (kernel - 1) / 2;
  const outputs = () => ({ y: conv2d(x, w, undefined, { padding: [pad, pad] }) });
  return {
    name: `conv ${kernel}x${kernel}, ${channels} channels, ${side}x${side}`,
    outputs,
    bytes: () => bytesOf(x, x, w),
  };
}

function streaming(count: number): Case {
  const [a, b] = [input('a', [count]), input('b', [count])];
  return { name: 'add: memory alone', outputs: () => ({ y: add(a, b) }), bytes: () => 3 * F32 * count };
}

export class Benchmark {
  constructor(private readonly session: Session) {}

  async run(signal: AbortSignal, tell: (timing: Timing, done: number, total: number) => void): Promise<void> {
    const cases = this.cases();
    for (const [i, one] of cases.entries()) tell(await this.time(one, signal), i + 1, cases.length);
  }

  private cases(): Case[] {
    const { current: model } = this.session;
    const x = input('picture', [1, ...model.pictureShape]);
    const weights = bytesOf(...[...model.network.parameters.values()].map((p) => p.variable.tensor));
    const logits = () => model.graph({ input: x }).logits;
    const target = classIndex(model, 0);
    return [
      { name: 'inference, one picture', outputs: () => ({ logits: logits() }), bytes: () => weights },
      {
        name: 'gradient of a class with respect to the picture',
        outputs: () => ({ dx: grad(sum(slice(logits(), [0, target], [1, 1])), [x])[0]! }),
        bytes: () => 2 * weights,
      },
      square(256),
      square(512),
      layer(64, 28, 3),
      layer(128, 28, 1),
      { ...layer(128, 14, 3) },
      streaming(2 ** 20),
      {
        name: 'relu: memory alone',
        outputs: () => ({ y: relu(input('a', [2 ** 20])) }),
        bytes: () => 2 * F32 * 2 ** 20,
      },
    ];
  }

  private async time({ name, outputs, bytes }: Case, signal: AbortSignal): Promise<Timing> {
    const engine = this.session.engine!;
    const wanted = outputs();
    // One number back: what is timed is the work, not the way of the results.
    const last = Object.values(wanted)[0]!;
    const probe = slice(last, last.shape.map(() => 0), last.shape.map(() => 1)); // prettier-ignore
    const program = await engine.compile({ outputs: { probe, ...(last.size < 4096 && wanted) } }, { signal });
    try {
      const feeds = Object.fromEntries([...program.plan.inputs].map(([key, { tensor }]) => [key, new Float32Array(tensor.size).fill(0.5)])); // prettier-ignore
      await program.run(feeds, { signal });
      const samples: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const start = performance.now();
        await program.run(feeds, { signal });
        samples.push(performance.now() - start);
      }
      const sorted = samples.toSorted((a, b) => a - b);
      const at = (q: number) => sorted[Math.round(q * (sorted.length - 1))]!;
      const { dispatches, flops } = program.stats;
      const total = (v: Record<string, number>) => Object.values(v).reduce((a, b) => a + b, 0);
      return { name, samples, median: at(0.5), p5: at(0.05), p95: at(0.95), flops: typeof flops === 'number' ? flops : total(flops), bytes: bytes(wanted), dispatches: total(dispatches) }; // prettier-ignore
    } finally {
      program.dispose();
    }
  }
}
