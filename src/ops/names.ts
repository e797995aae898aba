/** The names of all ops, by which backward rules are given: a misspelt one must not be passed over in silence. */
import { binaryNames } from './binary.ts';
import { unaryNames } from './unary.ts';

export const opNames: ReadonlySet<string> = new Set([
  ...unaryNames,
  ...unaryNames.map((name) => `${name}_grad`),
  ...binaryNames,
  ...['adam', 'along_axis', 'arg_reduce', 'avg_pool2d', 'avg_pool2d_grad', 'batch_norm', 'batch_norm_fold'],
  ...['batch_norm_stats', 'batch_norm_sums', 'batch_norm_train_grad', 'bound', 'broadcast_to', 'concat', 'conv2d'],
  ...['conv2d_input_grad', 'conv2d_weight_grad', 'ema', 'elementwise', 'gather', 'grid_mask', 'matmul', 'max_pool2d'],
  ...[
    'max_pool2d_grad',
    'one_hot',
    'pad',
    'place',
    'positive_bits',
    'reduce_max',
    'reduce_min',
    'reduce_prod',
    'reshape',
  ],
  ...[
    'rmsprop',
    'scatter_add',
    'secant',
    'sgd',
    'shift2d',
    'slice',
    'softmax',
    'split',
    'stop_gradient',
    'sum',
    'transpose',
  ],
  ...['warp', 'warp_grad', 'random_normal', 'from_bytes', 'where', 'input', 'constant', 'variable'],
]);
