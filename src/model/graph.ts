/** The graph of a network with its roles: pictures in, class scores and named values out. */
import { WgradError } from '../errors.ts';
import { input } from '../graph/leaves.ts';
import { show } from '../graph/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { transpose } from '../ops/transpose.ts';
import type { BuildRequest, Network } from './network.ts';
import { probabilitiesOf, requirePicture, requireScores, scoreRows } from './roles.ts';

/** How {@link Model.graph} is built. */
export interface GraphOptions {
  /** Pictures a run; default 1. */
  batch?: number;
  /** Height and width of the pictures; default {@link Model.pictureShape}'s. */
  size?: readonly [number, number];
  /** Feed another tensor [N,C,H,W] than a plain input: an optimised image, a path of integrated gradients. */
  input?: Tensor;
  /** Honour the BatchNorm modes that were set; default false: everything in eval mode. */
  training?: boolean;
}

/** A model as tensors, to differentiate and compile. */
export interface ModelGraph {
  /** The picture batch, [N, C, H, W]. */
  input: Tensor;
  /**
   * The class scores before softmax or sigmoid: [N, classes], or [N, 1] for a binary classifier.
   * @throws WgradError 'invalid-argument' where the class output is not known.
   */
  readonly logits: Tensor;
  /** Softmax or sigmoid of the logits, as the network's kind asks for; of the same shape. */
  readonly probabilities: Tensor;
  /** The network's own outputs, as they are in the file. */
  outputs: Readonly<Record<string, Tensor>>;
  /** What leaves a layer, node or value of that name. @throws WgradError 'unknown-name'. */
  value(name: string): Tensor;
  /**
   * A feature map by name; without one, the last before the head.
   * @throws WgradError 'unknown-name', 'invalid-argument' where it is no map.
   */
  map(name?: string): FeatureMap;
  /** Effects of BatchNorm in train mode. */
  updates: readonly Tensor[];
}

export interface FeatureMap {
  /** As the network computes it: gradients are taken with respect to this. */
  value: Tensor;
  /** The value, or a gradient of its shape, as [N,K,h,w], whatever the file's layout. */
  channelsFirst(t: Tensor): Tensor;
}

/** @throws WgradError 'shape'; see {@link ModelGraph}. */
export function modelGraph(
  network: Network,
  options: GraphOptions,
  trainBatchNorm?: BuildRequest['trainBatchNorm'],
): ModelGraph {
  const { roles } = network;
  const role = requirePicture(roles);
  const c = role.channels;
  const x = options.input ?? input(role.name, [options.batch ?? 1, c, ...(options.size ?? role.size)]);
  if (x.rank !== 4 || x.shape[1] !== c) {
    throw new WgradError('shape', `the model takes pictures [N,${c},H,W], not ${show(x.shape)}`, {
      remedy: 'Pictures are given with the channels first, whatever the layout of the file',
    });
  }
  const request = {
    inputs: { [role.name]: role.layout === 'nhwc' ? transpose(x, [0, 2, 3, 1]) : x },
    ...(trainBatchNorm && { trainBatchNorm }),
  };
  const built = asSized(x, role.size, () => network.build(request));
  const value = (name: string): Tensor => {
    const found = built.values.get(network.resolve(name));
    if (!found) throw new WgradError('unknown-name', `'${name}' names nothing that is computed`);
    return found;
  };
  let logits: Tensor | undefined;
  return {
    input: x,
    get logits() {
      const scores = requireScores(roles);
      return (logits ??= scoreRows(built.values.get(scores.value)!, scores));
    },
    get probabilities() {
      return probabilitiesOf(this.logits, requireScores(roles).kind);
    },
    outputs: built.outputs,
    updates: built.updates,
    value,
    map: (name) => mapOf(network, name, value),
  };
}

/** The size of the file is a default; a graph that does not allow another one says so in an op's words. */
function asSized<T>({ shape }: Tensor, [height, width]: readonly [number, number], build: () => T): T {
  try {
    return build();
  } catch (cause) {
    if (!(cause instanceof WgradError) || (shape[2] === height && shape[3] === width)) throw cause;
    throw new WgradError(cause.code, `pictures of ${shape[2]} x ${shape[3]}: ${cause.message}`, {
      remedy: `The file is made for pictures of ${height} x ${width}`,
      cause,
    });
  }
}

function mapOf(network: Network, name: string | undefined, value: (name: string) => Tensor): FeatureMap {
  const at = name ?? network.roles.scores?.features?.value;
  const found = at === undefined ? undefined : value(at);
  if (at === undefined || found?.rank !== 4) {
    const what = found ? `${name ?? 'the last stage'} has shape ${show(found.shape)}` : 'the network has none';
    throw new WgradError('invalid-argument', `no feature map [N,K,h,w]: ${what}`, {
      remedy: 'Choose a layer before global pooling',
    });
  }
  const channelsLast = network.channelAxis(at) === 3;
  return { value: found, channelsFirst: (t) => (channelsLast ? transpose(t, [0, 3, 1, 2]) : t) };
}
