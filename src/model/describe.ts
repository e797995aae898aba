/** What a network's file says of itself beyond the graph: class names, preprocessing, and what was found amiss. */
import { plainPixels, type Preprocess } from '../image/preprocess_spec.ts';
import { readLabels, readPreprocess } from './metadata.ts';
import type { Network } from './network.ts';
import { classesOf, type Roles } from './roles.ts';

export interface Description {
  /** Class names in the order of the classes. */
  labels: readonly string[] | undefined;
  /** How pictures become input. */
  preprocess: Preprocess | undefined;
  /** What is gone on without, such as labels that cannot be read. */
  warnings: readonly string[];
}

/** Reads the file's metadata, for the number of classes that the network has now. Needs no device. */
export function describeNetwork(network: Network): Description {
  const { metadata, given, roles } = network;
  const warnings = [...network.warnings];
  const warn = (warning: string) => void warnings.push(warning);
  const { input, scores } = roles;
  const preprocess = readPreprocess(metadata, given, input?.channels ?? 3, warn) ?? rawPixels(roles);
  const labels = scores && readLabels(metadata, given, classesOf(scores), warn);
  if (input?.batchFixedBy) {
    const batch = input.batch ?? 1;
    warn(`the file is made for batches of ${batch} (${input.batchFixedBy}): pictures run ${batch} at a time. Export it with an open batch axis to run more at once`); // prettier-ignore
  }
  if (scores && scores.tail !== 'none' && scores.output === 'logits') {
    warn(`the output 'logits' holds probabilities: run() gives them as 'probabilities', and the scores as 'logits'`);
  }
  return { labels, preprocess, warnings };
}

/** What makes pixels the input of a file that normalises them itself. */
function rawPixels({ input }: Roles): Preprocess | undefined {
  if (!input?.range) return undefined;
  const { mean, std } = plainPixels(input.channels);
  return { mean, std: std.map((v) => v / input.range!) };
}
