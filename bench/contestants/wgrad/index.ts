/** wgrad itself: the first contestant, with which the others' outputs are compared. */
import type { Engine } from '../../../src/engine.ts';
import type { Contestant, NetworkSource, Task } from '../../core/case.ts';
import { ascentEntry } from './ascent.ts';
import { explainEntry } from './explain.ts';
import { layerEntry } from './layers.ts';
import { memoryEntry, networkEntry, startupEntry, stepEntry } from './network.ts';

export interface WgradHost {
  engine: Engine;
  /** Another engine on a device of its own. */
  another(): Promise<Engine>;
  version: string;
  network: NetworkSource;
  /** A small one, for methods of many passes. */
  small: NetworkSource;
  /** Bytes that the process holds on the host, after a garbage collection where one can be asked for. */
  hostBytes?: () => Promise<number>;
}

export function wgradContestant({ engine, another, version, network, small, hostBytes }: WgradHost): Contestant {
  const host = { engine, another, source: network };
  return {
    name: 'wgrad',
    version,
    backend: `webgpu: ${engine.description}`,
    queue: engine.gpuDevice.queue,
    async enter(task: Task) {
      switch (task.kind) {
        case 'inference':
        case 'saliency':
        case 'integrated-gradients':
          return networkEntry(host, task);
        case 'step':
          return stepEntry(host, task);
        case 'startup':
          return startupEntry(host);
        case 'memory':
          return memoryEntry(host, task, hostBytes);
        case 'ascent':
          return ascentEntry(host, task);
        case 'explain':
          return explainEntry(task.network === 'small' ? { ...host, source: small } : host, task);
        default:
          return (await layerEntry(engine, task))!;
      }
    },
    dispose: () => undefined,
  };
}
