/**
 * What a Model needs of the thing that it wraps. The ONNX importer provides it; anything else that can build a graph
 * from named parameters may too.
 */
import type { Variable } from '../graph/leaves.ts';
import type { Given } from './metadata.ts';
import type { Roles } from './roles.ts';
import type { Tensor } from '../graph/tensor.ts';

export interface NetworkInput {
  name: string;
  /** null where the file leaves the extent open (batch). */
  shape: readonly (number | null)[];
}

export interface NetworkParameter {
  name: string;
  variable: Variable;
  /** False for running statistics, which BatchNorm in train mode updates and gradients never do. */
  trainable: boolean;
  /** Dotted path of the layer that it belongs to. */
  layer: string;
}

/** One line of `wgrad info`. */
export interface LayerInfo {
  /** Dotted path, e.g. `layer1.0.conv1`; '' is the whole network. */
  name: string;
  /** ONNX op type of a leaf; 'Block' for a residual block; 'Module' for other groups. */
  kind: string;
  /** Name of the graph value that leaves the layer: for a residual block the ReLU after the add. */
  value: string;
  children: readonly LayerInfo[];
  /** Names of its own parameters, without its children's. */
  parameters: readonly string[];
}

export interface BuildRequest {
  /** One tensor for each of the network's inputs; batch and picture size follow from it. */
  inputs: Readonly<Record<string, Tensor>>;
  /** Whether a BatchNormalization node (given by its layer and parameter names) normalises by the batch. Default: no. */
  trainBatchNorm?: (layer: string, parameters: readonly string[]) => boolean;
}

export interface BuiltNetwork {
  outputs: Readonly<Record<string, Tensor>>;
  /** Every value of the graph by its ONNX name. */
  values: ReadonlyMap<string, Tensor>;
  /** Effects that move running statistics towards the batch's, for BatchNorm in train mode. */
  updates: readonly Tensor[];
}

/** Initial values of a head for other classes. */
export interface NewHead {
  /** Scores a picture. */
  classes: number;
  /** For each of them the present score whose numbers it keeps; undefined, or no list: fresh ones. */
  rows?: readonly (number | undefined)[];
  /** Present values of the parameters that change; default: the file's. */
  values?: ReadonlyMap<string, Float32Array>;
  /** Fresh weights: `size` of them, `fanIn` going into one score. Everything else starts neutral. */
  initialize(size: number, fanIn: number): Float32Array;
}

export interface Network {
  /** What the parts are for. */
  readonly roles: Roles;
  /** What the caller said of the network; goes before its metadata. */
  readonly given: Given;
  readonly inputs: readonly NetworkInput[];
  readonly outputs: readonly string[];
  /** In the order of the file. */
  readonly parameters: ReadonlyMap<string, NetworkParameter>;
  readonly root: LayerInfo;
  /** The file's metadata, such as `labels` and `preprocess`, as JSON text. */
  readonly metadata: ReadonlyMap<string, string>;
  /** What the file says that one should know of, such as layers in training mode. */
  readonly warnings: readonly string[];
  build(request: BuildRequest): BuiltNetwork;
  /** The axis of the channels of a layer's or value's feature map: 1, or 3 where the file holds it channels-last. */
  channelAxis(name: string): number;
  /** Value name of a layer, node or value. @throws WgradError 'unknown-name' with near names. */
  resolve(name: string): string;
  /** Names of the parameters that hold one number, or row, for each score of the head called `layer`. */
  perClass(layer: string): string[];
  /**
   * Replaces the classifier called `layer`, a linear layer, and all that depends on the number of classes behind it.
   * @throws WgradError 'unknown-name', 'invalid-argument' where it is no classifier, 'onnx-unsupported' where what is
   *   behind it cannot be made for that number; the network is then as before.
   */
  replaceHead(layer: string, head: NewHead): void;
  /** Puts another variable in a parameter's place, of the same shape; what is built from then on has it. */
  substitute(name: string, variable: Variable): void;
  /** ONNX bytes with the given parameter values and metadata in place of the file's. */
  save(
    values: ReadonlyMap<string, Float32Array>,
    metadata: ReadonlyMap<string, string>,
    form?: SaveForm,
  ): Promise<Uint8Array>;
}

/** How a file is written; the outputs stay the same but for rounding. */
export interface SaveForm {
  /** One convolution in the place of each and the BatchNorm behind it; default false. */
  foldBatchNorm?: boolean | undefined;
  /** float16: weights take half the room and are cast back where they are read; default float32. */
  weights?: 'float32' | 'float16' | undefined;
}
