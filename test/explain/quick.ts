/** Settings with which every method runs in a moment on the residual network's pictures. */
import type { MethodName, MethodOptions } from '../../src/explain/index.ts';
import { spread } from '../support/gradcheck.ts';

const quick: Partial<Record<MethodName, object>> = {
  smoothgrad: { samples: 3 },
  'integrated-gradients': { steps: 8 },
  'expected-gradients': { samples: 4 },
  'kernel-shap': { cells: 3, samples: 40 },
  'exact-shap': { cells: 2 },
  'shap-interactions': { cells: 2 },
  'permutation-shap': { cells: 2 },
  'sampling-shap': { cells: 2 },
  'partition-shap': { maxEvals: 20, blurSize: 5 },
  lime: { segmentation: 'grid', cells: 3, samples: 30 },
  'feature-ablation': { segmentation: 'grid', cells: 3 },
  xrai: { steps: 4, baselines: new Float32Array(3 * 16 * 16) },
  'meaningful-perturbation': { steps: 5, cells: 4, sigma: 2 },
  'extremal-perturbation': { steps: 5, cells: 4, sigma: 2, area: 0.25 },
  'blur-ig': { steps: 4, maxSigma: 3 },
  'guided-ig': { steps: 4 },
  occlusion: { window: 8, stride: 4 },
  rise: { samples: 20 },
  'feature-permutation': { segmentation: 'grid', cells: 3, pictures: spread(2 * 3 * 16 * 16, 9) },
  'internal-influence': { steps: 4 },
  conductance: { steps: 4 },
  'layer-integrated-gradients': { steps: 4 },
  'neuron-conductance': { steps: 4, neuron: 'layer1[:,2]' },
};
export const optionsOf = (method: MethodName) => ({ method, ...quick[method] }) as unknown as MethodOptions;
