/** Everything that wgrad throws on purpose is a {@link WgradError}: a stable `code`, what, why, and what to do. */

export type ErrorCode =
  // the machine
  | 'no-webgpu' // navigator.gpu is absent
  | 'package-missing' // an optional package that Node needs is not installed
  | 'insecure-context' // a page that is not https or localhost
  | 'no-adapter' // WebGPU is there, no adapter is
  | 'limit-exceeded' // the device's limits are too small
  | 'out-of-memory'
  | 'device-lost'
  | 'kernel-invalid' // a WGSL module was refused
  | 'disposed' // use after dispose
  | 'worker-failed' // the Worker's script did not load, or it went down
  // the graph
  | 'shape'
  | 'dtype'
  | 'not-differentiable'
  | 'missing-feed'
  | 'unknown-name' // a layer, parameter, value or class that does not exist
  | 'not-finite' // NaN or infinity where a number is needed
  | 'dead-unit' // nothing near raises the unit that is to be drawn
  // files
  | 'onnx-parse'
  | 'onnx-invalid'
  | 'onnx-unsupported'
  | 'onnx-external-data'
  | 'file-missing'
  | 'file-format'
  | 'file-write' // no permission, a folder in its place, a read-only disk
  | 'disk-full'
  | 'image-decode'
  | 'dataset-empty'
  // downloads
  | 'download-failed'
  | 'download-corrupt'
  // calls
  | 'invalid-argument'
  | 'usage';

export interface ErrorDetails {
  /** What the caller can do about it: one imperative sentence. */
  remedy?: string;
  /** The lower-level error that led here. */
  cause?: unknown;
}

/**
 * Every error of wgrad but an abort: a code to match by, a message that names the thing and the reason, and a remedy
 * where there is one.
 */
export class WgradError extends Error {
  override readonly name = 'WgradError';
  readonly remedy: string | undefined;

  /** @param message names the thing (tensor, node, file) and the reason. */
  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(details.remedy ? `${message}. ${details.remedy}` : message, { cause: details.cause });
    this.remedy = details.remedy;
  }
}
