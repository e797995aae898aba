/**
 * The messages of an event file (tensorflow/core/util/event.proto, framework/summary.proto, TensorBoard's plugins), each
 * as its fields. Scalars, histograms and pictures have the forms of PyTorch's writer, which every reader knows.
 */
import type { HistogramData } from './histogram.ts';
import { bytes, double, doubles, float, integer, message, sub, text, type Field } from './wire.ts';

export const FILE_VERSION = 'brain.Event:2';
const WRITER = 'wgrad';

const DT_FLOAT = 1;
const DT_STRING = 7;
const RGB = 3;
const RGBA = 4;

/** @param wallTime seconds since 1970. */
export const event = (wallTime: number, step: number, what: Field): Uint8Array =>
  message(double(1, wallTime), step === 0 ? undefined : integer(2, step), what);

export const fileVersion = (wallTime: number): Uint8Array =>
  message(double(1, wallTime), text(3, FILE_VERSION), sub(10, text(1, WRITER)));

export const summary = (...values: Field[]): Field => sub(5, ...values);

const value = (tag: string, ...what: (Field | undefined)[]): Field => sub(1, text(1, tag), ...what);

const plugin = (name: string, content?: Uint8Array): Field =>
  sub(9, sub(1, text(1, name), content && bytes(2, content)));

export const scalar = (tag: string, number: number): Field => value(tag, float(2, number));

export const image = (tag: string, width: number, height: number, alpha: boolean, png: Uint8Array): Field =>
  value(tag, sub(4, integer(1, height), integer(2, width), integer(3, alpha ? RGBA : RGB), bytes(4, png)));

export const histo = (tag: string, h: HistogramData): Field =>
  value(tag, sub(5, double(1, h.min), double(2, h.max), double(3, h.num), double(4, h.sum), double(5, h.sumSquares), doubles(6, h.bucketLimit), doubles(7, h.bucket))); // prettier-ignore

const shape = (...extents: number[]): Field => sub(2, ...extents.map((extent) => sub(2, integer(1, extent))));

/** Markdown. */
export const textSummary = (tag: string, markdown: string): Field =>
  value(`${tag}/text_summary`, plugin('text'), sub(8, integer(1, DT_STRING), shape(1), text(8, markdown)));

/** @param rows [6, thresholds] */
export const curve = (tag: string, thresholds: number, rows: Float32Array): Field =>
  value(tag, plugin('pr_curves', message(integer(2, thresholds))),
    sub(8, integer(1, DT_FLOAT), shape(6, thresholds), bytes(4, new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength)))); // prettier-ignore

/** A value that TensorBoard's HPARAMS page can show. */
export type Hyperparameter = number | string | boolean;

const TYPES = { string: 1, boolean: 2, number: 3 } as const;

/** google.protobuf.Value */
const any = (field: number, v: Hyperparameter): Field =>
  sub(field, typeof v === 'number' ? double(2, v) : typeof v === 'string' ? text(3, v) : integer(4, Number(v)));

const hparam = (tag: string, content: Uint8Array): Field => value(tag, plugin('hparams', content));

/** What is varied, with its kind, and what is measured: the columns of the HPARAMS page. */
export const experiment = (hyperparameters: Readonly<Record<string, Hyperparameter>>, metrics: readonly string[]) =>
  hparam('_hparams_/experiment', message(sub(2,
    ...Object.entries(hyperparameters).map(([name, v]) => sub(4, text(1, name), integer(4, TYPES[typeof v as 'number'])))
    , ...metrics.map((tag) => sub(5, sub(1, text(2, tag))))))); // prettier-ignore

export const sessionStart = (hyperparameters: Readonly<Record<string, Hyperparameter>>) =>
  hparam('_hparams_/session_start_info', message(sub(3,
    ...Object.entries(hyperparameters).map(([name, v]) => sub(1, text(1, name), any(2, v)))))); // prettier-ignore

const SUCCESS = 1;
export const sessionEnd = () => hparam('_hparams_/session_end_info', message(sub(4, integer(1, SUCCESS))));

/** A node of the GRAPHS page. Names with slashes nest. */
export interface GraphNode {
  name: string;
  op: string;
  /** Names of nodes that are in the same list. */
  inputs: readonly string[];
  /** Its output's shape; -1 for an extent that is open. */
  shape?: readonly number[];
  /** Shown beside it. */
  attributes?: Readonly<Record<string, string>>;
}

const GRAPH_PRODUCER = 22;
const encoder = new TextEncoder();

/** GraphDef in an event's field 4. */
export const graphDef = (nodes: readonly GraphNode[]): Field =>
  bytes(4, message(...nodes.map(nodeDef), sub(4, integer(1, GRAPH_PRODUCER))));

const attribute = (name: string, content: Field): Field => sub(5, text(1, name), sub(2, content));

const nodeDef = ({ name, op, inputs, shape: extents, attributes = {} }: GraphNode): Field =>
  sub(1, text(1, name), text(2, op), ...inputs.map((input) => text(3, input)),
    extents && attribute('_output_shapes', sub(1, sub(7, ...extents.map((extent) => sub(2, integer(1, extent)))))),
    ...Object.entries(attributes).map(([key, v]) => attribute(key, bytes(2, encoder.encode(v))))); // prettier-ignore
