/** The op table: one row an ONNX op, which builds it, folds it, and settles what its operator sets changed. */
import type { OnnxNode } from '../types.ts';
import { ACTIVATIONS } from './activations.ts';
import { CONSTANTS } from './constants.ts';
import { CONVOLUTION } from './convolution.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { LINEAR } from './linear.ts';
import { MOVEMENT } from './movement.ts';
import { NORMALIZATION } from './normalization.ts';
import { QUANTIZATION } from './quantization.ts';
import { REDUCTIONS } from './reductions.ts';
import { RESAMPLING } from './resampling.ts';
import type { Row } from './row.ts';

const OPS: ReadonlyMap<string, Row> = new Map(
  [
    ACTIVATIONS,
    CONSTANTS,
    CONVOLUTION,
    ELEMENTWISE,
    LINEAR,
    MOVEMENT,
    NORMALIZATION,
    QUANTIZATION,
    REDUCTIONS,
    RESAMPLING,
  ].flatMap((rows) => Object.entries(rows)),
);

/** `Conv`, or `com.microsoft::FusedConv` outside the standard domain. */
export const opKey = ({ domain, opType }: Pick<OnnxNode, 'domain' | 'opType'>): string =>
  domain ? `${domain}::${opType}` : opType;

export const opRow = (node: OnnxNode): Row | undefined => OPS.get(opKey(node));

/** All that the importer takes, as {@link opKey} writes it. */
export const SUPPORTED_OPS: ReadonlySet<string> = new Set(OPS.keys());
