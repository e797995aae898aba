/**
 * Dawn asks its driver for news by setImmediate until all that was asked for is there: the thread never sleeps, and a core
 * is spent on nothing, which software adapters need for computing. So Dawn's polls are scheduled here, with pauses. Dawn
 * reads the global anew each time, so that it is replaced during calls into Dawn only, and nobody else is slowed.
 */
import { setImmediate as immediately, setTimeout as later } from 'node:timers';

/** Between two polls, in milliseconds: the least that Node's timers can. */
const PAUSE = 1;

/** A physical GPU is polled without pauses for so long after something was asked of it: short runs end within. */
const EAGER = 5;

/** The calls after which Dawn polls. */
const asking: Readonly<Record<string, readonly string[]>> = {
  GPUAdapter: ['requestDevice'],
  GPUBuffer: ['mapAsync'],
  GPUDevice: ['createComputePipelineAsync', 'createRenderPipelineAsync', 'popErrorScope'],
  GPUQueue: ['onSubmittedWorkDone'],
  GPUShaderModule: ['getCompilationInfo'],
};

let asked = 0;
let eager = 0;
let done = false;

/** Call it once a physical GPU was opened: its polls take no time from it. */
export function pollEagerly(): void {
  eager = EAGER;
}

function schedule(poll: () => void): void {
  if (performance.now() - asked < eager) immediately(intoDawn, poll);
  else later(intoDawn, PAUSE, poll);
}

function intoDawn<T>(call: () => T): T {
  const before = globalThis.setImmediate;
  globalThis.setImmediate = schedule as unknown as typeof setImmediate;
  try {
    return call();
  } finally {
    globalThis.setImmediate = before;
  }
}

/** @param interfaces Dawn's, by name. */
export function pollWithPauses(interfaces: Readonly<Record<string, unknown>>): void {
  if (done) return;
  done = true;
  for (const [name, methods] of Object.entries(asking)) {
    const { prototype } = interfaces[name] as { prototype: Record<string, (...args: unknown[]) => unknown> };
    for (const method of methods) {
      const original = prototype[method]!;
      prototype[method] = function (this: unknown, ...args: unknown[]) {
        asked = performance.now();
        return intoDawn(() => original.apply(this, args));
      };
    }
  }
}
